"""What exports say of clips and videos beyond the samples: scores, frame counts, licences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute as pc

from clipmill.annotations.columns import scalar_columns
from clipmill.clips import Clip, Video, text_id_for
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Part, Population
from clipmill.pipeline.recorded.last_run import last_run
from clipmill.pipeline.steps.spans import apply_spans
from clipmill.store.workspace import Workspace

SCORES = ("quality", "camera")
"""Annotations whose numbers are exported as scores of a clip."""


@dataclass(frozen=True)
class RunFacts:
    """What the last run knows, by id.

    Attributes:
        videos: Listed videos by id.
        parts: Parts of the videos of which rows name some, by video id.
        num_frames: Frames of whole videos by id.
        altered: Ids of videos whose file does not show what is read from it, see `ProbeRow`.
        score_names: `annotation.column`, in order.
        scores: Scores by clip id, in the order of `score_names`; None where not measured.
        licences: Licence of each backend that made the data, `annotation (backend)` -> text.
        pipeline: Name of the pipeline; empty when it is not known.
        run: The last run, opened; None when nothing was run.
    """

    videos: Mapping[str, Video] = field(default_factory=dict)
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    num_frames: Mapping[str, int] = field(default_factory=dict)
    altered: frozenset[str] = frozenset()
    score_names: tuple[str, ...] = ()
    scores: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    pipeline: str = ""
    run: tuple[Context, VideoList] | None = None

    def text_of(self, clip_id: str) -> str | None:
        """Return the text of the data set for a clip: that of the part it is in, or its video's."""
        clip = Clip.parse(clip_id)
        if clip.video_id not in self.videos:
            return None
        return Population(self.videos, (), probed=True, parts=self.parts).video_of(clip).text


def why_outdated(facts: RunFacts, *, clip_id: str, uri: str, given: str) -> str:
    """Return why a sample is not what the last run would make; empty when it is.

    A run that was stopped, or that went on over other inputs, leaves the samples of an earlier one.

    Args:
        facts: Of the last run.
        clip_id: Clip of the sample.
        uri: Where the sample says that it lies.
        given: Name of the text of the data set that the sample was built with.
    """
    if facts.run is None:
        return ""
    video = facts.videos.get(Clip.parse(clip_id).video_id)
    if video is None:
        return "its video is none of the last run's (it was replaced, or is gone); run again"
    if video.uri != uri:
        return "its video has moved since the samples were built; run again"
    if text_id_for(facts.text_of(clip_id)) != given:
        return "its video has another caption since the samples were built; run again"
    return ""


def gather_run_facts(workspace: Workspace) -> RunFacts:
    """Read the facts of the last run; what a workspace does not have stays empty."""
    run = last_run(workspace)
    if run is None:
        return RunFacts()
    context, listing = run
    names, scores = _scores(context)
    videos = {video.video_id: video for video in listing.videos}
    num_frames = _frame_counts(context, listing)
    return RunFacts(
        videos=videos,
        parts=_parts(context, videos, num_frames),
        num_frames=num_frames,
        altered=_altered(context, listing),
        score_names=names,
        scores=scores,
        licences={
            f"{stage.step.annotate} ({stage.step.backend})": stage.backend.needs.licence
            for stage in context.stages.values()
        },
        pipeline=context.pipeline.name,
        run=run,
    )


def _frame_counts(context: Context, listing: VideoList) -> dict[str, int]:
    if "probe" not in context.stages:
        return {}
    table = context.stages["probe"].table
    columns = table.columns(["num_frames"])
    pairs = zip(columns["key"].to_pylist(), columns["num_frames"].to_pylist(), strict=True)
    counts = {key: count for key, count in pairs if count is not None}
    return {
        video.video_id: counts[file_id]
        for file_id, video in listing.files.items()
        if file_id in counts
    }


def _parts(
    context: Context, videos: Mapping[str, Video], num_frames: Mapping[str, int]
) -> dict[str, tuple[Part, ...]]:
    """Return the frames of the parts that rows name, of videos whose frames are counted."""
    clips = tuple(
        Clip(video_id, 0, num_frames[video_id])
        for video_id, video in videos.items()
        if video.spans and video_id in num_frames
    )
    if not clips:
        return {}
    cut, _ = apply_spans(context, Population(videos, clips, probed=True))
    return dict(cut.parts)


def _altered(context: Context, listing: VideoList) -> frozenset[str]:
    if "probe" not in context.stages:
        return frozenset()
    columns = context.stages["probe"].table.columns(["altered"])
    files = columns.filter(pc.fill_null(columns["altered"], False))["key"].to_pylist()
    return frozenset(listing.files[file].video_id for file in files if file in listing.files)


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
