"""Split steps: a clip in, its children out, the lineage kept."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import ShotsSplit, WindowsSplit
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.population import ClipColumns, Flags, Ints, Population, clip_ids
from clipmill.pipeline.steps.base import Applied, SettingsT, Step, Work
from clipmill.pipeline.steps.cutting.ranges import Ranges, cut_windows
from clipmill.pipeline.steps.cutting.shot_ranges import shots_of
from clipmill.pipeline.verdicts import StepReport, Verdicts, clip_verdicts, with_parts


class Split(Step[SettingsT]):
    """Replaces every clip by its children; a clip without a child is dropped, with the reason."""

    @abstractmethod
    def ranges(self, context: Context, population: Population) -> Ranges:
        """Return what every clip of the population is cut into, in order."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """Why a clip has no child."""

    def children(self, context: Context, population: Population) -> tuple[Ints, ClipColumns]:
        """Return the row of the clip that each child is cut from, ascending, and the children."""
        ranges, parents = self.ranges(context, population), population.clips
        owner = np.repeat(np.arange(len(parents)), ranges.counts)
        first = parents.start[owner]
        return owner, ClipColumns(
            parents.video[owner],
            (first + ranges.start).astype(np.int32),
            (first + ranges.end).astype(np.int32),
        )

    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Split every clip of the population."""
        parents = population.clips
        owner, children = self.children(context, population)
        counts = np.bincount(owner, minlength=len(parents))
        whole = counts == 1
        same = (children.start == parents.start[owner]) & (children.end == parents.end[owner])
        whole[owner[~same]] = False
        # Parts of one video that overlap may have children in common.
        after = population.with_clips(children.distinct())
        yield (
            after,
            StepReport(
                title=self.settings.title,
                kind="split",
                unit="clips",
                entering=len(parents),
                leaving=len(after.clips),
                dropped=int((counts == 0).sum()),
                decided=self._verdicts(population, ~whole, owner, children),
            ),
        )

    def _verdicts(
        self, population: Population, told: Flags, owner: Ints, children: ClipColumns
    ) -> Verdicts:
        """Return the verdicts on clips that did not stay as they were.

        Args:
            population: The clips.
            told: bool [n]: those.
            owner: int64 [m]: the row of the clip that each child is cut from, ascending.
            children: All children.
        """
        parents = population.with_clips(population.clips.take(told))
        counts = np.bincount(owner, minlength=len(told))[told]
        parts = children.take(told[owner])
        names = clip_ids(population.with_clips(parts).video_ids, parts)
        rules = with_parts(np.concatenate([[0], np.cumsum(counts)]), names)
        empty = pa.array(counts == 0)
        return clip_verdicts(
            parents,
            state=pc.if_else(empty, "dropped", "split"),
            rule=pc.if_else(empty, self.reason, rules),
        )


class SplitWindows(Split[WindowsSplit]):
    """Cuts long clips into windows."""

    reads: ClassVar[tuple[str, ...]] = (PROBE,)

    @property
    def reason(self) -> str:
        """Why a clip has no window."""
        return f"shorter than {self.settings.min_frames} frames"

    def ranges(self, context: Context, population: Population) -> Ranges:
        """Return the windows of every clip."""
        clips = population.clips
        return cut_windows(clips.end.astype(np.int64) - clips.start, self.settings)


class SplitShots(Split[ShotsSplit]):
    """Cuts clips at their shot boundaries."""

    reads: ClassVar[tuple[str, ...]] = ("shots",)

    @property
    def reason(self) -> str:
        """Why a clip has no shot."""
        return f"no shot of {self.settings.min_frames} frames or more"

    def ranges(self, context: Context, population: Population) -> Ranges:
        """Return the shots of every clip."""
        (scored,) = self.reads
        return shots_of(context.stages[scored].table, population.keys, self.settings)
