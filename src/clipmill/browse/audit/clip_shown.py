"""What a judge gets of a clip: its pictures and the data set's text, of every clip alike.

Nothing that a step has measured or made is in it: that a caption or an object is there at all would
tell that the clip came far. Previews have a folder of their own: one that other pages had made
before would be there sooner.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clipmill.annotations.probe.schema import ProbeRow
from clipmill.browse.pictures.pool import PART_SECONDS, PicturePool
from clipmill.browse.site import OpenRun
from clipmill.clips import Clip, Video
from clipmill.errors import ClipError, ClipmillError
from clipmill.inspection.preview import Preview, make_preview, planned_preview, preview_rate

MAX_CAPTION = 2000
"""Characters that are shown of a text."""


class NotShownError(ClipmillError):
    """A clip cannot be shown; says why, and nothing of what the pipeline made of it."""


@dataclass(frozen=True)
class ClipShown:
    """Facts beside the video of a clip.

    Attributes:
        caption: The text that came with the data set; empty when there is none.
        seconds: Length of the clip.
        shown: Seconds of it that the preview has.
    """

    caption: str
    seconds: float
    shown: float


def shown_of(
    run: OpenRun, clip_id: str, folder: Path, pictures: PicturePool
) -> tuple[ClipShown, Preview]:
    """Return what is shown of a clip; its preview is made when it is missing.

    Args:
        run: The last run, which need not be the one that it was drawn from.
        clip_id: The clip.
        folder: Where previews are kept.
        pictures: Decodes it.

    Raises:
        NotShownError: Its video is not listed any more, or cannot be decoded.
    """
    clip = Clip.parse(clip_id)
    video = run.listing.find(clip.video_id)
    if video is None:
        raise NotShownError("its video is not in the last run any more")
    probe = run.probe_of(video)
    if probe is None:
        raise NotShownError("its video was not read by the last run")
    preview = planned_preview(clip, probe, folder=folder, poster_frame=0)
    task = partial(make_preview, video, clip, probe, folder=folder, poster_frame=0)
    try:
        if not preview.is_made:
            pictures.make(task, seconds=PART_SECONDS)
    except ClipError as error:
        raise NotShownError("its video cannot be decoded, is gone or has changed") from error
    rate = float(preview_rate(probe))
    facts = ClipShown(
        caption=given_text(video, clip, probe)[:MAX_CAPTION],
        seconds=clip.num_frames / rate,
        shown=preview.num_frames / rate,
    )
    return facts, preview


def given_text(video: Video, clip: Clip, probe: ProbeRow) -> str:
    """Return the text that came with a clip: of the row that most of it is in, or of its video."""
    rate = float(preview_rate(probe))
    best, text = 0.0, video.text or ""
    for span in video.spans:
        scale = rate if span.unit == "seconds" else 1.0
        end = probe.num_frames if span.end is None else span.end * scale
        common = min(clip.end, end) - max(clip.start, span.start * scale)
        if common > best:
            best, text = common, span.text or ""
    return text
