"""Many short clips of which it is known whether they are good, and a judge who errs at times."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pipelines import ScoreRow, pipeline_on, run
from row_backends import RowBackend

from clipmill.annotations.base import BackendConfig, ClipInput
from clipmill.clips import Clip
from media import make_clip

CLIPS, FRAMES = 800, 4
ERRS = 0.04
"""Share of the clips that the judge takes for the opposite of what they are."""

REASON = "too dull for words"

_RANDOM = np.random.default_rng(17)
CLARITY = _RANDOM.random(CLIPS)
GOOD = _RANDOM.random(CLIPS) < np.where(CLARITY >= 0.5, 0.88, 0.3)
ANSWERS = GOOD ^ (_RANDOM.random(CLIPS) < ERRS)
"""What the judge would say of each clip."""

PIPELINE = f"""
name: known truth
steps:
  - annotate: probe
  - split: windows
    max_frames: {FRAMES}
    min_frames: {FRAMES}
  - annotate: quality
    backend: known_truth:KnownClarity
  - select: quality
    rules:
      - {{column: quality.clarity, min: 0.5, reason: {REASON}}}
"""


def number_of(clip_id: str) -> int:
    """Return which of the clips it is, from 0."""
    return Clip.parse(clip_id).start // FRAMES


class KnownClarity(RowBackend):
    """`CLARITY`, by the place of a clip in its video."""

    annotation = "quality"
    name = "known"
    Config = BackendConfig
    Row = ScoreRow

    def row(self, item: ClipInput) -> ScoreRow:
        return ScoreRow(float(CLARITY[item.clip.start // FRAMES]))


@dataclass(frozen=True)
class Truth:
    """What holds of all clips, by who says which are good.

    Attributes:
        precision: Share of the kept clips that are good.
        yielded: Share of the good clips that are kept.
    """

    precision: float
    yielded: float

    @classmethod
    def by(cls, good: np.ndarray) -> "Truth":
        """Return it of bool [CLIPS]."""
        kept = CLARITY >= 0.5
        return cls(good[kept].mean(), (good & kept).sum() / good.sum())


def make_known_run(folder: Path) -> Path:
    """Make one video, cut it into all clips, and select; returns the workspace."""
    make_clip(folder / "videos/long.mp4", size=(64, 48), frames=CLIPS * FRAMES, gop=FRAMES)
    run(pipeline_on(folder / "videos", PIPELINE), folder / "ws")
    return folder / "ws"
