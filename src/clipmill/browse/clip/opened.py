"""Clips of the run that were asked for lately, with their rows."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.browse.site import OpenRun, Site
from clipmill.clips import VIDEO_ID_DIGITS, Clip, Video
from clipmill.errors import ClipmillError
from clipmill.inspection.clip_rows import ClipRows, read_clip_rows
from clipmill.inspection.gallery.clip_choice import Pick, SampleFacts, read_sample_facts
from clipmill.inspection.lineage import Lineage

KEPT_OPEN: Final = 6
"""Clips whose rows are held; those of ten thousand frames take some 10 MB each."""

_NAMES: Final = ("objects", "tracks", "inout", "caption", "camera", "quality")


class NotOfThisRunError(ClipmillError):
    """An id that the run does not know; nothing is served for it."""


@dataclass(frozen=True, eq=False)
class OpenClip:
    """A clip with its rows.

    Attributes:
        run: The run it belongs to.
        clip: The clip.
        known: Its rows.
        pick: The clip with its samples.
        holders: Clips that it was cut from, the nearest first.
    """

    run: OpenRun
    clip: Clip
    known: ClipRows
    pick: Pick
    holders: tuple[Clip, ...]

    @property
    def video(self) -> Video:
        """Its source file."""
        return self.known.video

    @cached_property
    def shots(self) -> tuple[Clip, Any] | None:
        """The shot scores of the clip, or of what it was cut from, with that clip."""
        stage = self.run.context.stages.get("shots")
        for holder in (self.clip, *self.holders) if stage else ():
            row = stage.table.read([holder.clip_id]).get(holder.clip_id) if stage else None
            if row is not None:
                return holder, row
        return None


class OpenClips:
    """Opens clips by id, and holds the last few.

    Args:
        site: The server.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = Lock()
        self._opened: OrderedDict[str, OpenClip] = OrderedDict()
        self._run: OpenRun | None = None
        self._samples: dict[str, list[SampleFacts]] = {}

    def get(self, clip_id: str) -> OpenClip:
        """Return a clip of the last run.

        Raises:
            NotOfThisRunError: The run has no such clip.
        """
        run = self._site.run
        with self._lock:
            if run is not self._run:
                self._run, self._samples = run, _samples_by_clip(run)
                self._opened.clear()
            if clip_id not in self._opened:
                self._opened[clip_id] = self._open(run, clip_id)
                while len(self._opened) > KEPT_OPEN:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(clip_id)
            return self._opened[clip_id]

    def _open(self, run: OpenRun, clip_id: str) -> OpenClip:
        clip, known = parse_clip(clip_id), frozenset(clips_of_video(run, clip_id[:VIDEO_ID_DIGITS]))
        if clip_id not in known:
            raise NotOfThisRunError(f"the last run has no clip '{clip_id}'")
        holders = (Clip.parse(other) for other in known - {clip_id})
        around = [c for c in holders if c.start <= clip.start and clip.end <= c.end]
        return OpenClip(
            run=run,
            clip=clip,
            known=read_clip_rows(run.context, run.listing, clip, _NAMES),
            pick=Pick(clip, "", samples=tuple(self._samples.get(clip_id, ()))),
            holders=tuple(sorted(around, key=lambda c: c.num_frames)),
        )


def parse_clip(clip_id: str) -> Clip:
    """Read an id.

    Raises:
        NotOfThisRunError: It is none.
    """
    try:
        return Clip.parse(clip_id)
    except ValueError as error:
        raise NotOfThisRunError(f"'{clip_id}' is no id of a clip") from error


def clips_of_video(run: OpenRun, video_id: str) -> list[str]:
    """Return the ids of all clips that there were of a video of the run, in order."""
    if run.listing.row_of(video_id) is None:
        return []
    return sorted(Lineage.of(video_id, run.reports).known) or _whole_clip(run, video_id)


def _whole_clip(run: OpenRun, video_id: str) -> list[str]:
    """Return the id of the clip of all frames, which no step has judged; none of a broken file."""
    video = run.listing.find(video_id)
    probe = run.probe_of(video) if video else None
    return [Clip(video_id, 0, probe.num_frames).clip_id] if probe and probe.num_frames else []


def name_of_video(run: OpenRun, video_id: str) -> str | None:
    """Return the path of anything that was listed, videos or not; None for what was not."""
    names = run.listing.names()
    place = pc.index(names["video_id"], pa.scalar(video_id)).as_py()
    return None if place < 0 else str(names["relative_path"][place].as_py())


def _samples_by_clip(run: OpenRun) -> dict[str, list[SampleFacts]]:
    """Samples of an earlier run say nothing of an unfinished one."""
    found: dict[str, list[SampleFacts]] = {}
    if run.reports and run.reports[-1].kind == "samples":
        for sample in read_sample_facts(run.context):
            found.setdefault(sample.clip_id, []).append(sample)
    return found
