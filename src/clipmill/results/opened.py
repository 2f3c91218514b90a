"""A workspace opened to look at its last run."""

import os
import warnings
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Video
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import look_past_damage, require_last_run
from clipmill.pipeline.recorded.look import reports_of
from clipmill.pipeline.verdicts import StepReport
from clipmill.results.clips import clip_table
from clipmill.results.measures import object_scores, with_clip_scores
from clipmill.results.outcomes import Outcomes, Status, chosen, follow_run
from clipmill.results.sample import Sample
from clipmill.results.stored import PLAIN, StoredSamples

_HEADS = ["clip_id", "video_id", "path", "status", "step", "reason"]
"""Columns of clips that stand before their scores."""


def open_results(workspace: str | os.PathLike[str]) -> "Results":
    """Open a workspace to look at its last run, see `clipmill.open`."""
    return Results(*require_last_run(os.fspath(workspace)))


class Results:
    """The last run of a workspace: its clips, their scores, its samples. Made by `clipmill.open`.

    Every table is a `pyarrow.Table`; `.to_pandas()` turns it into a data frame where pandas is
    installed. What is damaged is left out, with a warning that names the file.
    """

    def __init__(self, context: Context, listing: VideoList) -> None:
        self._context, self._listing = context, listing
        self._warned: set[str] = set()

    def __repr__(self) -> str:
        pipeline, videos = self._context.pipeline.name, len(self._listing.videos)
        return f"<clipmill results: {self.workspace}, pipeline '{pipeline}', {videos} videos>"

    @property
    def workspace(self) -> str:
        """Absolute path or URL of the workspace."""
        return self._context.workspace.root

    def clips(self, status: Status | Collection[Status] | None = None) -> pa.Table:
        """Return one row per clip with how it ended, and why.

        A video, or a part of one that a table asked for, that never became a clip has a row too,
        with a null `clip_id`: what cannot be read, copies, what listing left out. A clip that was
        cut into others has none: they stand for it.

        Columns:

        - `clip_id`, `video_id`, `source`, `path` (relative to the source), `uri`: strings.
        - `start`, `end`, `num_frames`: int64, frames [start, end) of the video; null without a
          clip.
        - `status`: `kept`, `dropped`, `failed`, `postponed` or `pending`.
        - `step`, `reason`: the step that decided, and its rule or the error; null where kept.
        - `column`, `value`, `threshold`: what the rule read, its value and where it cut, in the
          unit of the [column](columns.md); null where no number was judged.
        - `rank`, `population`: ascending rank from 1, and how many were ranked; null where the rule
          is no percentile.
        - `num_samples`: int64, samples of the clip.

        Args:
            status: One status, or several; all when None.

        Returns:
            A table, by video in the order of the listing, then by start.

        Raises:
            UsageError: No such status.
        """
        return chosen(self._clips, status)

    def scores(
        self,
        status: Status | Collection[Status] | None = None,
        *,
        level: Literal["clip", "object"] = "clip",
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return the numbers that annotations have measured, one row per clip or object.

        Columns: `clip_id`, `video_id`, `path`, `status`, `step` and `reason` as in `clips`, for
        objects `object_id` ahead and no `path`; then one column per score, named
        `annotation.column`, in the unit of [its annotation](columns.md). Null where it was not
        measured. What was measured before a clip was cut is that of the clip it was cut from.

        Args:
            status: One status, or several; all when None. An object that no rule has dropped has
                that of its clip.
            level: `clip`, or `object`.
            columns: Scores to return; all when None.

        Returns:
            A table, in the order of `clips`, then by object.

        Raises:
            UsageError: No such status, level or score.
        """
        if level not in ("clip", "object"):
            raise UsageError(f"level must be clip or object, not {level!r}")
        table = self._clip_scores if level == "clip" else self._object_scores
        heads = [name for name in ("object_id", *_HEADS) if name in table.column_names]
        known = [name for name in table.column_names if "." in name]
        for name in columns or ():
            if name not in known:
                raise UsageError(
                    f"no score '{name}' at level {level}; there are: {', '.join(known)}"
                )
        return chosen(table, status).select([*heads, *(known if columns is None else columns)])

    def samples(
        self, *, stage: Literal[1, 2] | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Return the samples, one row each.

        Args:
            stage: 1 for those that are ready for motion training, 2 for Frame-In / Frame-Out; all
                when None.
            columns: Fields of [samples](columns.md#samples) to return. All but `objects` when
                None: that holds masks, tracks and images.

        Returns:
            A table, by video in the order of the listing, then by clip and anchor. Empty with a
            warning while the run is unfinished: samples of an earlier one say nothing of it.

        Raises:
            UsageError: No such column or stage.
            CorruptFileError: A part is damaged.
        """
        if stage not in (None, 1, 2):
            raise UsageError(f"stage must be 1 or 2, not {stage!r}")
        wanted = list(PLAIN if columns is None else columns)
        if not self._finished:
            warnings.warn(self._unfinished, stacklevel=2)
        marks = [] if stage is None else [f"stage{stage}"]
        table = self._stored.table([*dict.fromkeys([*wanted, *marks])])
        ready = table if stage is None else table.filter(table[f"stage{stage}"])
        return ready.select(wanted)

    def sample(self, sample_id: str) -> Sample:
        """Return one sample, to look at it.

        Args:
            sample_id: From the column `sample_id` of `samples`.

        Raises:
            UsageError: No such sample, or the run is unfinished.
            CorruptFileError: Its part is damaged.
        """
        if not self._finished:
            raise UsageError(self._unfinished)
        row = self._stored.row(sample_id)
        return Sample(row, context=self._context, video=self._videos[row.video_id])

    @cached_property
    def _reports(self) -> Sequence[StepReport]:
        workspace = self._context.workspace
        reports = look_past_damage(workspace, lambda: reports_of(self._context, self._listing))
        for damage in workspace.damages:
            if damage.path not in self._warned:
                self._warned.add(damage.path)
                warnings.warn(
                    f"damaged, and left out: {damage.path}: {damage.reason}. To repair it: "
                    f"clipmill check --repair --workspace {self.workspace}",
                    stacklevel=4,
                )
        return reports

    @property
    def _finished(self) -> bool:
        return not self._reports[-1].pending

    @property
    def _unfinished(self) -> str:
        last = self._reports[-1]
        return (
            f"the run is not finished: {last.pending} {last.unit} have no {last.title} row yet, so "
            "there are no samples; `clipmill run` goes on"
        )

    @cached_property
    def _stored(self) -> StoredSamples:
        return StoredSamples.of_run(self._context, self._reports)

    @cached_property
    def _outcomes(self) -> Outcomes:
        return follow_run(self._context, self._listing, self._reports)

    @cached_property
    def _videos(self) -> dict[str, Video]:
        return {video.video_id: video for video in self._listing.videos}

    @cached_property
    def _clips(self) -> pa.Table:
        return clip_table(self._listing, self._outcomes, self._stored)

    @cached_property
    def _clip_scores(self) -> pa.Table:
        clips = self._clips.filter(pc.is_valid(self._clips["clip_id"])).select(_HEADS)
        return with_clip_scores(clips, self._context, self._listing, self._outcomes)

    @cached_property
    def _object_scores(self) -> pa.Table:
        return object_scores(self._context, self._clips, self._reports)
