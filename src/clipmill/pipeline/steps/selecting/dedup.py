"""The selection `dedup`: of clips that show the same, the best stays."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import Columns
from clipmill.annotations.hashes.perceptual.signs import MIRROR
from clipmill.config import DedupStep
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.population import Ints, Population
from clipmill.pipeline.steps.base import Applied, Problems, Step, Work
from clipmill.pipeline.steps.columns import clip_columns
from clipmill.pipeline.steps.selecting.written import kept_on_disk
from clipmill.pipeline.verdicts import StepReport, Verdicts, clip_verdicts
from clipmill.selection.duplicates.fingerprints import ClipHashes, Fingerprints
from clipmill.selection.duplicates.grouping import (
    ClipPlaces,
    best_of_groups,
    group_clips,
    match_with,
)
from clipmill.selection.duplicates.matches import ClipMatches, find_matches
from clipmill.store.annotations import AnnotationTable
from clipmill.store.codecs import decode_array

HASHES: Final = "hashes"

_SIZE: Final = ("probe.width", "probe.height", f"{HASHES}.bars")
"""Columns that say how large the picture is; black bars are no picture."""

NEAR_DUPLICATE: Final = "near-duplicate"
"""How the reason begins of a clip that goes, before a colon."""

KEPT_BEST: Final = "best of its near-duplicates"
"""How the reason begins of a clip that others go for, before a colon."""


class Dedup(Step[DedupStep]):
    """Drops clips that show what a better one shows; reads hashes, never a video."""

    reads: ClassVar[tuple[str, ...]] = (PROBE, HASHES)

    def check(self, known: Mapping[str, Columns]) -> Problems:
        """See that there are hashes, and the column that tells which clip is best."""
        problem = self._check_best(known)
        return {**super().check(known), **({("keep_best_by",): problem} if problem else {})}

    def _check_best(self, known: Mapping[str, Columns]) -> str:
        column = self.settings.keep_best_by
        annotation, _, name = column.partition(".")
        if not column:
            return ""
        if annotation not in known:
            return f"select: dedup: column '{column}': no earlier step computes '{annotation}'"
        numbers = known[annotation].numbers
        if numbers and name not in numbers:
            return (
                f"select: dedup: '{annotation}' has no number '{name}'; "
                f"there are: {', '.join(sorted(numbers))}"
            )
        return ""

    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Compare all clips with each other, and keep the best of each group."""
        # Clips are numbered by their ids, so that no order of files decides.
        order = np.asarray(pc.sort_indices(population.keys)).astype(np.int64)
        mine = population.with_clips(population.clips.take(order))
        prints = _fingerprints(context.stages[HASHES].table, mine.keys)
        matches = find_matches(
            prints, distance=self.settings.max_distance, overlap=self.settings.min_overlap
        )
        places = ClipPlaces(
            *(
                column.astype(np.int64)
                for column in (mine.clips.video, mine.clips.start, mine.clips.end)
            )
        )
        groups = group_clips(matches, places, within_video=self.settings.within_video)
        best = best_of_groups(groups, self._worth(context, mine))
        stays = np.empty(len(order), bool)
        stays[order] = best == np.arange(len(order))
        after = population.keep(stays)
        report = StepReport(
            title=self.settings.title,
            kind="select",
            unit="clips",
            entering=len(order),
            leaving=len(after.clips),
            dropped=int((~stays).sum()),
            decided=self._verdicts(mine, best, matches),
        )
        yield after, kept_on_disk(self.settings, context, report, work, fingerprint=fingerprint)

    def _worth(self, context: Context, population: Population) -> list[npt.NDArray[np.float64]]:
        """Return what makes a clip the best, float64 [n] each, what counts most first."""
        own = self.settings.keep_best_by
        names = [*([own] if own else []), *_SIZE, "clip.num_frames"]
        table = clip_columns(context, population, names)
        numbers = {
            name: np.asarray(pc.cast(table[name], pa.float64()).to_numpy(zero_copy_only=False))
            for name in dict.fromkeys(names)
        }
        sign = 1.0 if self.settings.best == "highest" else -1.0
        score = [sign * numbers[own]] if own else []
        width, height, bars = (numbers[name] for name in _SIZE)
        return [*score, width * height * (1.0 - bars), numbers["clip.num_frames"]]

    def _verdicts(self, population: Population, best: Ints, matches: ClipMatches) -> Verdicts:
        """Return the verdict on every clip, with the one that is kept for it."""
        rows = np.arange(len(best))
        match = match_with(best, matches)
        goes = best != rows
        known = match >= 0
        distance = np.full(len(rows), np.nan)
        distance[known] = matches.distance[match[known]]
        others = np.bincount(best, minlength=len(rows)) - 1
        rules = np.full(len(rows), None, object)
        for row in np.flatnonzero(goes).tolist():
            rules[row] = _reason(population.keys[int(best[row])].as_py(), int(match[row]), matches)
        for row in np.flatnonzero(~goes & (others > 0)).tolist():
            rules[row] = f"{KEPT_BEST}: {others[row]} of them dropped"
        return clip_verdicts(
            population,
            state=pa.array(np.where(goes, "dropped", "kept"), pa.string()),
            rule=pa.array(rules, pa.string()),
            value=pa.array(distance, mask=~known),
            threshold=pa.array(np.full(len(rows), self.settings.max_distance), mask=~known),
        )


def _reason(kept: str, match: int, matches: ClipMatches) -> str:
    """Return why a clip goes, given the row of its match with the one that is kept."""
    if match < 0:
        return f"{NEAR_DUPLICATE}: of {kept}, by way of others of the group"
    how = ", mirrored" * bool(matches.mirrored[match]) + ", cropped" * bool(matches.cropped[match])
    return f"{NEAR_DUPLICATE}: of {kept}{how}, bits that differ"


def _fingerprints(table: AnnotationTable, keys: pa.Array) -> Fingerprints:
    """Return the hashes of clips.

    Args:
        table: Rows of `hashes`.
        keys: Of the clips, in the order in which they are numbered; string [n].
    """
    rows = table.columns(["num_hashes"])
    places = pc.index_in(keys, value_set=rows["key"].combine_chunks())
    counts = pc.fill_null(rows["num_hashes"].combine_chunks().take(places), 0)

    def read(clips: npt.NDArray[np.int64]) -> Iterator[ClipHashes]:
        wanted = keys.take(pa.array(clips))
        for rows in table.scan(["times", "hashes", "motion"]):
            places = pc.index_in(rows["key"].combine_chunks(), value_set=wanted)
            some = rows.set_column(0, "place", places).filter(pc.is_valid(places))
            columns = (some[name].to_pylist() for name in ("place", "times", "hashes", "motion"))
            for place, *blobs in zip(*columns, strict=True):
                times, hashes, motion = map(decode_array, blobs)
                yield ClipHashes(
                    int(clips[place]), times, hashes.view(np.uint64), motion.view(np.uint64)
                )

    return Fingerprints.of(counts.to_numpy().astype(np.int64), MIRROR, read)
