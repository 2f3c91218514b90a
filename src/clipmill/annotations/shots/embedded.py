"""Shot boundaries by PySceneDetect's adaptive detector: no weights, about 1 ms a frame."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.annotations.shots.stream import frames_that_decode
from clipmill.store.codecs import encode_array
from clipmill.video import FrameSize, fit_within


class AdaptiveShotsConfig(BackendConfig):
    """Settings of PySceneDetect's `AdaptiveDetector`.

    Attributes:
        long_side: Frames are compared at this size; 96 to 256 px give the same cuts.
        threshold: How many times more than its neighbours a frame must differ from the one
            before; only stored with the row, the split step applies it.
        window: Neighbours on each side that a frame is compared with.
        min_content: A frame that differs by less than this (mean 8-bit levels) scores 0.
        luma_only: Compare brightness alone. Hue and saturation of dark frames are noise, which
            made three false cuts in fades from black on the benchmark clips and found none more.
    """

    long_side: int = Field(default=160, ge=16)
    threshold: float = Field(default=3.0, gt=0)
    window: int = Field(default=2, ge=1)
    min_content: float = Field(default=15.0, ge=0)
    luma_only: bool = True


class AdaptiveShots(Backend):
    """Scores are the adaptive ratio: the frame's difference over its neighbours' mean."""

    annotation = "shots"
    name = "embedded"
    Config = AdaptiveShotsConfig
    Row = ShotsRow
    needs = Needs(modules=("scenedetect",), licence="BSD-3-Clause")

    def load(self, item: ClipInput) -> npt.NDArray[np.float32]:
        """Score the frames while they are decoded, so that no frame is kept."""
        assert item.probe is not None
        width, height = fit_within(
            item.probe.width, item.probe.height, long_side=self.config.long_side
        )
        frames = frames_that_decode(item, FrameSize(width, height))
        return adaptive_scores(frames, fps=max(item.probe.fps, 1.0), config=self.config)

    def annotate(self, batch: Sequence[Any]) -> list[ShotsRow]:
        """Return one row per clip."""
        return [
            ShotsRow(
                scores=encode_array(scores.astype(np.float16)),
                threshold=self.config.threshold,
                num_decoded=len(scores),
            )
            for scores in batch
        ]


def adaptive_scores(
    frames: Iterable[npt.NDArray[np.uint8]], *, fps: float, config: AdaptiveShotsConfig
) -> npt.NDArray[np.float32]:
    """Return PySceneDetect's adaptive ratio of every frame.

    Args:
        frames: RGB uint8 [H, W, 3].
        fps: Frames per second; the library wants it, the scores do not depend on it.
        config: Settings.

    Returns:
        float32 [T] in [0, 255]; 0 where the frame differs too little, and in the first and last
        `window` frames, which have no full set of neighbours.
    """
    from scenedetect import FrameTimecode, StatsManager
    from scenedetect.detectors import AdaptiveDetector

    detector = AdaptiveDetector(
        window_width=config.window,
        min_content_val=config.min_content,
        luma_only=config.luma_only,
    )
    stats = StatsManager()
    stats.register_metrics(detector.get_metrics())
    detector.stats_manager = stats
    times = []
    for number, frame in enumerate(frames):
        times.append(FrameTimecode(number, fps))
        detector.process_frame(times[-1], frame[..., ::-1])  # The library wants BGR.
    # The ratio is the last of the detector's metrics, its name holds the settings.
    keys = [detector.FRAME_SCORE_KEY, detector.get_metrics()[-1]]
    scores = np.zeros(len(times), np.float32)
    # The detector's difference of frame 0 is a made-up 0, which lends its neighbours a too high
    # ratio up to frame `window`.
    for number in range(config.window + 1, len(times) - config.window):
        content, ratio = stats.get_metrics(times[number], keys)
        if content is not None and ratio is not None and content >= config.min_content:
            scores[number] = ratio
    return scores
