"""The rows of a finished workspace, by video name, as the scores want them."""

from collections import defaultdict
from typing import Any

import pyarrow.compute as pc

from clipmill.clips import Clip
from clipmill.demo.score_base import DemoRows
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList


def gather_rows(context: Context, listing: VideoList) -> dict[str, list[DemoRows]]:
    """Return every clip-level row that is ok: path of the video -> clips with their rows.

    Rows of one clip are put together; clips before and after a split are clips of their own.
    """
    paths = {video.video_id: video.relative_path for video in listing.videos}
    rows: dict[Clip, dict[str, Any]] = defaultdict(dict)
    for name, stage in context.stages.items():
        if stage.backend.level != "clip":
            continue
        status = stage.table.status()
        keys = status.filter(pc.equal(status["status"], "ok"))["key"].to_pylist()
        for key, row in stage.table.read(keys).items():
            rows[Clip.parse(key)][name] = row
    found: dict[str, list[DemoRows]] = defaultdict(list)
    for clip in sorted(rows):
        if clip.video_id in paths:
            found[paths[clip.video_id]].append(DemoRows(clip=clip, rows=rows[clip]))
    return dict(found)
