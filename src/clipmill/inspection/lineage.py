"""Which clips of a video there were, and which are still in, from the verdicts of the steps."""

from collections.abc import Iterable, Mapping
from typing import Any

from clipmill.pipeline.verdicts import OUT, StepReport, parts_of


class Lineage:
    """The clips of one video, step by step.

    Args:
        video_id: The video.

    Attributes:
        still_in: Ids of the clips that are in; the video's own id until a step has named a clip.
        known: Ids of all clips that any step has named.
        objects_out: Ids of the objects that were dropped.
    """

    def __init__(self, video_id: str) -> None:
        self._video_id = video_id
        self.still_in: list[str] = [video_id]
        self.known: set[str] = set()
        self.objects_out: set[str | None] = set()

    @classmethod
    def of(cls, video_id: str, reports: Iterable[StepReport]) -> "Lineage":
        """Follow a video through all steps."""
        lineage = cls(video_id)
        for report in reports:
            for row in report.decided.of_video(video_id).to_pylist():
                lineage.follow(row)
        return lineage

    def follow(self, row: Mapping[str, Any]) -> None:
        """Take over one verdict about the video."""
        out = row["state"] in OUT
        if row["level"] == "object":
            if out:
                self.objects_out.add(row["key"])
            return
        if row["level"] == "video":
            if out:
                self.still_in = []
            return
        self._follow_clip(row["key"], row["state"], row["rule"] or "")

    def _follow_clip(self, key: str, state: str, rule: str) -> None:
        self.known.add(key)
        if self.still_in == [self._video_id]:
            self.still_in = [key]  # the clip of all frames
        children = parts_of(rule) if state == "split" else []
        self.known.update(children)
        if state in (*OUT, "split"):
            after: list[str] = []
            for clip in self.still_in:
                after += children if clip == key else [clip]
            self.still_in = after
