"""Export for the Frame In-N-Out training loaders: CSV folders, videos, identity images.

Layout:

    OUT/stage1/csv/shard-00000.csv ...   motion training; only shards lie in there
    OUT/stage2/csv/shard-00000.csv ...   Frame-In / Frame-Out training
    OUT/videos/                          video root
    OUT/ID/                              root of the identity images
    OUT/CONVENTIONS.md                   coordinates, frame counting, units, licences, counts
    OUT/clipmill-export.json             manifest with checksums
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from clipmill.errors import UsageError
from clipmill.export.content.facts.run_facts import RunFacts, gather_run_facts
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.reviews import REVIEW_KEY, described_review, dropped_notices
from clipmill.export.content.sample_filter import Captions, SampleFilter, choose_samples
from clipmill.export.formats.frameino.conventions import conventions
from clipmill.export.formats.frameino.csv_shards import (
    SHARD_NAMES,
    CsvShards,
    open_shards,
    shard_folder,
)
from clipmill.export.formats.frameino.media import (
    IMAGE_FOLDER,
    IMAGE_NAMES,
    VIDEO_FOLDER,
    VIDEO_NAMES,
    Media,
    VideoMode,
)
from clipmill.export.formats.frameino.rows import (
    STAGE2,
    WholeVideo,
    identity_column,
    identity_of,
    review_cell,
    stage1_row,
    usable_objects,
    why_unusable,
)
from clipmill.export.formats.frameino.summary import ExportSummary, LeftOut
from clipmill.export.index_files.forecast import forecast_indices
from clipmill.manifest.folder import ExportFolder
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace

KIND = "frameino"
StageChoice = Literal["both", "1", "2"]
OnProgress = Callable[[int, int], None]
OnNotice = Callable[[str], None]

_LONGER = "its loader needs longer clips, see `min_frames` of the splits"
_ALTERED = (
    "its file does not show what was annotated (HDR or wide colours, fields, pixels that are not "
    "square, or another video stream); use `--videos cut`"
)


def export_frameino(
    workspace: Workspace,
    out: Path,
    *,
    samples: str = "training",
    videos: VideoMode = "link",
    stage: StageChoice = "both",
    shards: int = 1,
    where: str = "",
    limit: int | None = None,
    min_frames: int = 1,
    captions: Captions = "all",
    on_progress: OnProgress | None = None,
    on_notice: OnNotice | None = None,
) -> ExportSummary:
    """Write the samples of a workspace as the Frame In-N-Out loaders read them.

    Args:
        workspace: Where the samples are.
        out: New or empty folder, or one of an earlier frameino export, which is brought up to
            date file by file.
        samples: Name of the sample set.
        videos: `link` (symbolic links, else hard links, else copies), `copy`, or `none`: rows
            then name videos by `source/relative path` below a video root of your own.
        stage: Which training stages to write; an earlier export of the other one stays.
        shards: CSV files per stage; rows go round over them.
        where: Condition on columns of samples and scores of clips, see `SampleFilter`.
        limit: At most this many samples.
        min_frames: Samples with fewer frames from the anchor on are left out; 81 frames at
            stride 2 need 161.
        captions: Which captions samples may have, see `SampleFilter`.
        on_progress: Called with the number of samples done and their total.
        on_notice: Called before anything is written when no sample can be in stage 2.

    Raises:
        UsageError: There are no samples, none meets the choice, `out` holds something else, or
            videos behind URLs cannot be linked. Nothing in `out` was changed, but for the last
            case.
    """
    if shards < 1:
        raise UsageError("--shards must be at least 1")
    stages = [1, 2] if stage == "both" else [int(stage)]
    facts = gather_run_facts(workspace)
    choice = SampleFilter(samples, stages[0], where, limit, captions)
    chosen = choose_samples(workspace, choice, facts)
    chosen.refuse_nothing(choice)
    taken = frozenset(chosen.taken)
    notices = forecast_indices(
        workspace,
        samples,
        taken,
        profile=FrameProfile(min_frames=min_frames),
        consumers=(replace(STAGE2, remedy=_LONGER),) if 2 in stages else (),
    )
    for notice in (*dropped_notices(facts, chosen.taken), *notices):
        (on_notice or _unheard)(notice)
    folder = ExportFolder(
        out, kind=KIND, owned=_owned(stages), data=tuple(map(shard_folder, stages))
    )
    media = Media(folder, mode=videos)
    reasons = chosen.left_out | chosen.outdated
    left_out = [LeftOut(s, n, why) for s, why in reasons.items() for n in stages]
    origins: Counter[str] = Counter()
    reviewed = 0
    create = partial(folder.create, mode="w")
    said = not taken.isdisjoint(chosen.reviewed)
    more = (*facts.score_names, *([REVIEW_KEY] if said else []))
    with ExitStack() as files:
        tables = [
            files.enter_context(open_shards(create, number, count=shards, more=more))
            for number in stages
        ]
        wanted = (s for s in read_samples(workspace, samples) if s.sample_id in taken)
        for done, sample in enumerate(wanted, start=1):
            if sample.num_frames < min_frames:
                reason = f"{sample.num_frames} frames from the anchor on, {min_frames} wanted"
                left_out += [LeftOut(sample.sample_id, table.stage, reason) for table in tables]
            else:
                before = sum(table.rows for table in tables)
                left_out += _add_sample(sample, tables, media, facts)
                written = sum(table.rows for table in tables) > before
                origins[sample.caption_origin] += written
                reviewed += written and facts.review_of(sample.clip_id) is not None
            if on_progress is not None:
                on_progress(done, len(taken))
    rows = {table.stage: table.rows for table in tables}
    summary = ExportSummary(
        out=folder.root,
        stage1_rows=rows.get(1, 0),
        stage2_rows=rows.get(2, 0),
        videos=media.num_videos,
        images=media.num_images,
        captions={origin: n for origin, n in sorted(origins.items()) if n},
        reviewed=reviewed,
        left_out=tuple(left_out),
    )
    text = conventions(summary, facts, videos=videos, stages=stages)
    folder.write("CONVENTIONS.md", text.encode())
    folder.finish(
        {
            "pipeline": facts.pipeline,
            "samples": samples,
            "stage1_rows": summary.stage1_rows,
            "stage2_rows": summary.stage2_rows,
            "captions": summary.captions,
            "left_out": [[item.sample_id, item.stage, item.reason] for item in left_out],
        }
    )
    return summary


def _unheard(notice: str) -> None:
    """Without `on_notice` the counts of the summary tell the same."""


def _owned(stages: Sequence[int]) -> dict[str, str]:
    """Return what this export may tidy up: one stage alone leaves the other's files in peace."""
    owned = dict.fromkeys(map(shard_folder, stages), SHARD_NAMES)
    if len(stages) > 1:
        owned |= {VIDEO_FOLDER: VIDEO_NAMES, IMAGE_FOLDER: IMAGE_NAMES}
    return owned


def _add_sample(
    sample: SampleRow, tables: list[CsvShards], media: Media, facts: RunFacts
) -> list[LeftOut]:
    """Write a sample to the stages it is ready for; return where it had to be left out."""
    ready = [t for t in tables if (sample.stage1 if t.stage == 1 else sample.stage2)]
    if not ready:
        return []
    video = facts.videos.get(sample.video_id)
    objects = usable_objects(sample)
    reasons = {t.stage: why_unusable(sample, objects, stage=t.stage) for t in ready}
    if sample.video_id in facts.altered:
        reasons = {number: reason or _ALTERED for number, reason in reasons.items()}
    if not all(reasons.values()):
        problem = media.place_video(
            sample,
            size_bytes=video.size_bytes if video else None,
            stamp=video.stamp if video else "",
        )
        reasons = {number: reason or problem for number, reason in reasons.items()}
    left_out = [LeftOut(sample.sample_id, n, reason) for n, reason in reasons.items() if reason]
    usable = [table for table in ready if not reasons[table.stage]]
    if not usable:
        return left_out
    provided = sample.caption if sample.caption_origin == "provided" else ""
    known = WholeVideo(
        path=media.video_path(sample),
        num_frames=facts.num_frames.get(sample.video_id),
        text=facts.text_of(sample.clip_id) or provided,
    )
    row = stage1_row(sample, objects, known)
    scores = facts.scores.get(sample.clip_id, (None,) * len(facts.score_names))
    row |= dict(zip(facts.score_names, scores, strict=True))
    review = facts.review_of(sample.clip_id)
    row[REVIEW_KEY] = review_cell(None if review is None else {**described_review(review)})
    for table in usable:
        if table.stage == 2:
            images = {o.object_id: media.place_images(o) for o in objects if identity_of(o)}
            row["ID_info"] = identity_column(objects, images)
        table.add(row)
    return left_out
