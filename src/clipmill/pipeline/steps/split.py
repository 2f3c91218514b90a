"""Split steps: a clip in, its children out, the lineage kept."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from clipmill.annotations.shots.boundaries import shots_from_scores
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.clips import Clip
from clipmill.config import ShotsSplit, WindowsSplit
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.base import Applied, SettingsT, Step, Work
from clipmill.pipeline.verdicts import StepReport, clip_verdict, into, verdict_table
from clipmill.store.codecs import decode_array

READ_CHUNK = 1024
"""Clips whose rows are read from disk at once."""


class Split(Step[SettingsT]):
    """Replaces every clip by its children; a clip without a child is dropped, with the reason."""

    @abstractmethod
    def families(
        self, context: Context, population: Population
    ) -> Iterable[tuple[Clip, list[Clip]]]:
        """Return every clip of the population with its children, in order."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """Why a clip has no child."""

    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Split every clip of the population."""
        rows: list[dict[str, Any]] = []
        children: list[Clip] = []
        for parent, parts in self.families(context, population):
            children += parts
            if parts != [parent]:
                rows.append(_verdict(parent, parts, self.reason))
        # Parts of one video that overlap may have children in common.
        clips = tuple(dict.fromkeys(children))
        yield (
            replace(population, clips=clips),
            split_report(self.settings.title, population, clips, rows),
        )


def split_report(
    title: str, before: Population, after: Sequence[Clip], verdicts: Sequence[dict[str, Any]]
) -> StepReport:
    """Return the report of a step that replaced clips by parts of them."""
    return StepReport(
        title=title,
        kind="split",
        unit="clips",
        entering=len(before.clips),
        leaving=len(after),
        dropped=sum(row["state"] == "dropped" for row in verdicts),
        verdicts=verdict_table(verdicts),
    )


class SplitWindows(Split[WindowsSplit]):
    """Cuts long clips into windows."""

    reads: ClassVar[tuple[str, ...]] = (PROBE,)

    @property
    def reason(self) -> str:
        """Why a clip has no window."""
        return f"shorter than {self.settings.min_frames} frames"

    def families(
        self, context: Context, population: Population
    ) -> Iterable[tuple[Clip, list[Clip]]]:
        """Return every clip with its windows."""
        return ((clip, cut_windows(clip, self.settings)) for clip in population.clips)


class SplitShots(Split[ShotsSplit]):
    """Cuts clips at their shot boundaries."""

    reads: ClassVar[tuple[str, ...]] = ("shots",)

    @property
    def reason(self) -> str:
        """Why a clip has no shot."""
        return f"no shot of {self.settings.min_frames} frames or more"

    def families(
        self, context: Context, population: Population
    ) -> Iterator[tuple[Clip, list[Clip]]]:
        """Yield every clip with its shots."""
        (scored,) = self.reads
        table = context.stages[scored].table
        for at in range(0, len(population.clips), READ_CHUNK):
            chunk = population.clips[at : at + READ_CHUNK]
            rows = table.read([clip.clip_id for clip in chunk])
            for clip in chunk:
                yield clip, cut_shots(clip, rows[clip.clip_id], self.settings)


def _verdict(parent: Clip, parts: list[Clip], reason: str) -> dict[str, Any]:
    if not parts:
        return clip_verdict(parent, "dropped", reason)
    return clip_verdict(parent, "split", into(parts))


def cut_windows(clip: Clip, step: WindowsSplit) -> list[Clip]:
    """Cut a clip into consecutive windows; a remainder under `min_frames` is left out."""
    starts = range(clip.start, clip.end, step.max_frames)
    windows = [Clip(clip.video_id, s, min(s + step.max_frames, clip.end)) for s in starts]
    long_enough = [window for window in windows if window.num_frames >= step.min_frames]
    return long_enough[: step.max_windows]


def cut_shots(clip: Clip, row: ShotsRow, step: ShotsSplit) -> list[Clip]:
    """Cut a clip at its scored boundaries; shots under `min_frames` are left out."""
    threshold = row.threshold if step.threshold is None else step.threshold
    shots = shots_from_scores(
        decode_array(row.scores), threshold=threshold, num_decoded=row.num_decoded
    )
    parts = [
        Clip(clip.video_id, clip.start + first, clip.start + end)
        for first, end in shots
        if end - first >= step.min_frames
    ]
    return parts[: step.max_shots]
