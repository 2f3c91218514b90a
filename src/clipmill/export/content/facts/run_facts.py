"""What exports say of clips and videos beyond the samples: scores, frame counts, licences."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import scalar_columns
from clipmill.clips import Clip, Video, text_id_for
from clipmill.export.content.facts.lookups import ClipScores, FrameCounts, videos_by_id
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Part, video_of
from clipmill.pipeline.recorded.last_run import last_run
from clipmill.pipeline.steps.spans import frame_counts, named_parts
from clipmill.review.state import ReviewState
from clipmill.review.store import ReviewStore
from clipmill.samples.reviewed import sample_review
from clipmill.samples.schema import SampleReview
from clipmill.store.workspace import Workspace

SCORES = ("quality", "camera")
"""Annotations whose numbers are exported as scores of a clip."""


@dataclass(frozen=True)
class RunFacts:
    """What the last run knows, by id, and what people said by now.

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
        review: What people said until the export began; a run may have known less.
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
    review: ReviewState = field(default_factory=lambda: ReviewState(()))

    def review_of(self, clip_id: str) -> SampleReview | None:
        """Return what people said of a clip by now; None where nobody said anything."""
        if not len(self.review):  # as a rule, and this is asked of every sample
            return None
        return sample_review(self.review.of_clip(Clip.parse(clip_id)))

    def text_of(self, clip_id: str) -> str | None:
        """Return the text of the data set for a clip: that of the part it is in, or its video's."""
        clip = Clip.parse(clip_id)
        if clip.video_id not in self.videos:
            return None
        return video_of(clip, self.videos[clip.video_id], self.parts).text


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
    run, review = last_run(workspace), ReviewStore(workspace).state()
    if run is None:
        return RunFacts(review=review)
    context, listing = run
    names, scores = _scores(context)
    counts = frame_counts(context, listing)
    named = np.flatnonzero(np.asarray(pc.is_valid(listing.videos.table["spans"])))
    return RunFacts(
        videos=videos_by_id(listing),
        parts=named_parts(context, listing, named),
        num_frames=FrameCounts(listing, counts),
        altered=_altered(context, listing),
        score_names=names,
        scores=scores,
        licences={
            f"{stage.step.annotate} ({stage.step.backend})": stage.backend.needs.licence
            for stage in context.stages.values()
        },
        pipeline=context.pipeline.name,
        run=run,
        review=review,
    )


def _altered(context: Context, listing: VideoList) -> frozenset[str]:
    if "probe" not in context.stages:
        return frozenset()
    columns = context.stages["probe"].table.columns(["altered"])
    files = columns.filter(pc.fill_null(columns["altered"], False))["key"].combine_chunks()
    rows = pc.index_in(files, value_set=listing.file_ids).drop_null()
    return frozenset(listing.videos.table["video_id"].take(rows).to_pylist())


def _scores(context: Context) -> tuple[tuple[str, ...], ClipScores]:
    """Return the numeric columns of the score annotations by clip, without those of nulls only."""
    names: list[str] = []
    tables: list[pa.Table] = []
    for annotation in SCORES:
        if annotation not in context.stages:
            continue
        stage = context.stages[annotation]
        columns = stage.table.columns(sorted(scalar_columns(stage.backend.Row)))
        told = [
            name for name in columns.column_names[2:] if columns[name].null_count < columns.num_rows
        ]
        names += [f"{annotation}.{name}" for name in told]
        if told:
            tables.append(columns.select(["key", *told]))
    return tuple(names), ClipScores(tables)
