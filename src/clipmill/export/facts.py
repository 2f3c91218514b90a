"""What exports say of clips and videos beyond the samples: scores, frame counts, licences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute as pc

from clipmill.clips import Video
from clipmill.pipeline.columns import scalar_columns
from clipmill.pipeline.context import Context
from clipmill.pipeline.last import last_run
from clipmill.pipeline.videos import VideoList
from clipmill.store.workspace import Workspace

SCORES = ("quality", "camera")
"""Annotations whose numbers are exported as scores of a clip."""


@dataclass(frozen=True)
class Facts:
    """Facts by id.

    Attributes:
        videos: Listed videos by id.
        num_frames: Frames of whole videos by id.
        altered: Ids of videos whose file does not show what is read from it, see `ProbeRow`.
        score_names: `annotation.column`, in order.
        scores: Scores by clip id, in the order of `score_names`; None where not measured.
        licences: Licence of each backend that made the data, `annotation (backend)` -> text.
        pipeline: Name of the pipeline; empty when it is not known.
        run: The last run, opened; None when nothing was run.
    """

    videos: Mapping[str, Video] = field(default_factory=dict)
    num_frames: Mapping[str, int] = field(default_factory=dict)
    altered: frozenset[str] = frozenset()
    score_names: tuple[str, ...] = ()
    scores: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    pipeline: str = ""
    run: tuple[Context, VideoList] | None = None


def gather_facts(workspace: Workspace) -> Facts:
    """Read the facts of the last run; what a workspace does not have stays empty."""
    run = last_run(workspace)
    if run is None:
        return Facts()
    context, listing = run
    names, scores = _scores(context)
    return Facts(
        videos={video.video_id: video for video in listing.videos},
        num_frames=_frame_counts(context),
        altered=_altered(context),
        score_names=names,
        scores=scores,
        licences={
            f"{stage.step.annotate} ({stage.step.backend})": stage.backend.needs.licence
            for stage in context.stages.values()
        },
        pipeline=context.pipeline.name,
        run=run,
    )


def _frame_counts(context: Context) -> dict[str, int]:
    if "probe" not in context.stages:
        return {}
    table = context.stages["probe"].table
    columns = table.columns(["num_frames"])
    pairs = zip(columns["key"].to_pylist(), columns["num_frames"].to_pylist(), strict=True)
    return {key: count for key, count in pairs if count is not None}


def _altered(context: Context) -> frozenset[str]:
    if "probe" not in context.stages:
        return frozenset()
    columns = context.stages["probe"].table.columns(["altered"])
    return frozenset(columns.filter(pc.fill_null(columns["altered"], False))["key"].to_pylist())


def _scores(context: Context) -> tuple[tuple[str, ...], dict[str, tuple[float | None, ...]]]:
    """Join the numeric columns of the score annotations by clip."""
    names: list[str] = []
    by_clip: dict[str, dict[str, Any]] = {}
    for annotation in SCORES:
        if annotation not in context.stages:
            continue
        stage = context.stages[annotation]
        wanted = sorted(scalar_columns(stage.backend.Row))
        columns = stage.table.columns(wanted)
        keys = columns["key"].to_pylist()
        for name in wanted:
            values = columns[name].to_pylist()
            if all(value is None for value in values):
                continue
            names.append(f"{annotation}.{name}")
            for key, value in zip(keys, values, strict=True):
                by_clip.setdefault(key, {})[names[-1]] = value
    order = tuple(names)
    return order, {key: tuple(row.get(n) for n in order) for key, row in by_clip.items()}
