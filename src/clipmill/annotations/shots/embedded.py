"""Shot boundaries by optical flow and a model of mixtures: no weights, below 1 ms a frame."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.shots.frames.pictures import PictureChecks, PictureShares
from clipmill.annotations.shots.frames.stream import frames_that_decode
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.annotations.shots.transitions.detect import THRESHOLD, transition_scores
from clipmill.annotations.shots.transitions.thumbnails import (
    HEIGHT,
    WIDTH,
    Thumbnails,
    thumbnails,
)
from clipmill.store.codecs import encode_array
from clipmill.video import FrameSize


class TransitionsConfig(BackendConfig):
    """Settings.

    Attributes:
        threshold: Score above which a frame is a boundary; only stored with the row, the split
            step applies it. Gradual transitions have no scores below 0.5.
    """

    threshold: float = Field(default=THRESHOLD, gt=0, lt=1)


class TransitionShots(Backend):
    """Hard cuts, dissolves and fades; flashes are none.

    A score is e / (1 + e), where evidence e = 1 is just enough. The frames of a gradual
    transition form a run, so that the split step leaves them out.
    """

    annotation = "shots"
    name = "embedded"
    version = 3
    Config = TransitionsConfig
    Row = ShotsRow

    def load(self, item: ClipInput) -> tuple[Thumbnails, PictureShares]:
        """Decode the clip at 80 x 45 and keep what the detectors need."""
        checks = PictureChecks(item.clip)
        frames = thumbnails(frames_that_decode(item, FrameSize(WIDTH, HEIGHT), checks))
        return frames, checks.shares()

    def annotate(self, batch: Sequence[Any]) -> list[ShotsRow]:
        """Return one row per clip."""
        return [self._row(transition_scores(frames), shares) for frames, shares in batch]

    def _row(self, scores: npt.NDArray[np.float32], shares: PictureShares) -> ShotsRow:
        return ShotsRow(
            scores=encode_array(scores),
            threshold=self.config.threshold,
            num_decoded=len(scores),
            **shares.columns(),
        )
