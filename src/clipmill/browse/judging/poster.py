"""One picture of a clip: its middle frame."""

from functools import partial

from clipmill.browse.pictures.pool import PicturePool
from clipmill.browse.site import OpenRun
from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.inspection.preview import LONG_SIDE, one_frame


def poster_of(run: OpenRun, clip: Clip, pictures: PicturePool) -> bytes:
    """Return the middle frame of a clip as JPEG.

    Args:
        run: The run.
        clip: The clip.
        pictures: Decodes it.

    Raises:
        UsageError: The run has no such clip.
        ClipError: The source cannot be decoded, is gone or has changed.
    """
    video = run.listing.find(clip.video_id)
    probe = run.probe_of(video) if video else None
    if video is None or probe is None or clip.end > probe.num_frames:
        raise UsageError(f"the last run has no clip {clip.clip_id}")
    middle = (clip.start + clip.end) // 2
    return pictures.make(partial(one_frame, video, probe, middle, long_side=LONG_SIDE))
