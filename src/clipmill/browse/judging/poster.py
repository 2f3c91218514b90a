"""One picture of a clip: its middle frame."""

import io

from PIL import Image

from clipmill.browse.site import OpenRun
from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.inspection.preview import preview_size, source_of
from clipmill.video import FrameSize


def poster_of(run: OpenRun, clip: Clip) -> bytes:
    """Return the middle frame of a clip as JPEG.

    Raises:
        UsageError: The run has no such clip.
        ClipError: The source cannot be decoded, is gone or has changed.
    """
    video = run.listing.find(clip.video_id)
    stage = run.context.stages.get("probe")
    probe = stage.table.read([video.file_id]).get(video.file_id) if video and stage else None
    if video is None or probe is None or clip.end > probe.num_frames:
        raise UsageError(f"the last run has no clip {clip.clip_id}")
    with source_of(video, probe) as reader:
        middle = (clip.start + clip.end) // 2
        (picture,) = reader.frames([middle], size=FrameSize(*preview_size(probe)))
    target = io.BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=80)
    return target.getvalue()
