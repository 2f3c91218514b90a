"""Do two frames of a clip show the same scene, whatever moved between them?"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.transitions.thumbnails import CELL, HEIGHT, WIDTH, Thumbnails
from clipmill.vision.dense_flow import pixel_grid, sample

_CONTRAST = 40.0
"""Mean absolute deviation, in 8-bit levels, that pictures are brought to for comparing."""
_LEAST_CONTRAST = 4.0
"""Pictures with less (black, a plain wall) are amplified as if they had this much."""
_PATCH = 9
"""Pixels of the square in which structure is compared."""
_NO_CONTRAST = 30.0
"""Variance, in squared 8-bit levels, of what counts as plain."""
_SAME = 0.5
"""Structure that agrees less is not the same."""
_CHANGED = 0.4
"""A cell has changed when its colour differs by this much of the pictures' contrast."""


class FramePairs:
    """Differences between frames of a clip; the costly ones are computed once.

    Not safe to share between threads.

    Args:
        frames: The clip.
    """

    def __init__(self, frames: Thumbnails) -> None:
        self.frames = frames
        self._known: dict[tuple[int, int], float] = {}
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(0)  # The pictures are small already.

    def __len__(self) -> int:
        return len(self.frames)

    def brightness(self, frame: int) -> float:
        """Return the mean luma, 0..255."""
        return float(self.frames.luma[frame].mean())

    def difference(self, one: int, other: int) -> tuple[float, float]:
        """Return the mean difference of luma, in 8-bit levels, and the same over contrast.

        Nothing is moved. The second leaves out light: both pictures get the same mean and contrast.
        """
        a, b = (picture.astype(np.float32) for picture in self._inside(one, other))
        change = np.abs(normalised(a).astype(np.float32) - normalised(b)).mean()
        return float(np.abs(a - b).mean()), float(change) / _CONTRAST

    def mismatch(self, one: int, other: int) -> float:
        """Return the share of the picture that no motion brings over, either way, 0..1.

        Dense Inverse Search (Kroeger et al., ECCV 2016) finds the motion. Letterbox bars of
        either frame are left out. On real video, neighbouring frames of a shot gave at most 0.23
        and mostly less than 0.02; frames of different shots gave at least 0.43, mostly more than
        0.66.
        """
        pair = (one, other)
        if pair not in self._known:
            a, b = (normalised(picture) for picture in self._inside(one, other))
            self._known[pair] = min(
                structure_mismatch(a, b, self._flow.calc(a, b, None)),
                structure_mismatch(b, a, self._flow.calc(b, a, None)),
            )
        return self._known[pair]

    def changed(self, one: int, other: int) -> float:
        """Return the share of the picture whose coarse colour differs, 0..1; nothing is moved."""
        above, below, left, right = self.frames.bars[[one, other]].max(axis=0)
        rows = slice(-(-above // CELL), (HEIGHT - below) // CELL)
        columns = slice(-(-left // CELL), (WIDTH - right) // CELL)
        a, b = (self.frames.colour[frame, rows, columns] for frame in (one, other))
        contrast = (_spread(a.mean(-1)) + _spread(b.mean(-1))) / 2
        return float((np.abs(a - b).max(-1) > _CHANGED * max(contrast, _LEAST_CONTRAST)).mean())

    def _inside(self, one: int, other: int) -> list[npt.NDArray[np.uint8]]:
        """Cut both frames to what lies between the bars of both."""
        above, below, left, right = self.frames.bars[[one, other]].max(axis=0)
        # The pixel at a bar's edge is half bar.
        rows = slice(above + (above > 0), HEIGHT - below - (below > 0))
        columns = slice(left + (left > 0), WIDTH - right - (right > 0))
        return [np.ascontiguousarray(self.frames.luma[f, rows, columns]) for f in (one, other)]


def normalised(luma: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Take brightness and contrast out of a picture, so that light that changes is no difference.

    Args:
        luma: [H, W], 0..255.

    Returns:
        uint8 [H, W]: mean 128, mean absolute deviation 40 but for clipping.
    """
    centred = luma - luma.mean(dtype=np.float32)
    scale = _CONTRAST / max(float(np.abs(centred).mean()), _LEAST_CONTRAST)
    result: npt.NDArray[np.uint8] = np.clip(128 + centred * scale, 0, 255).astype(np.uint8)
    return result


def structure_mismatch(
    one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], flow: npt.NDArray[np.float32]
) -> float:
    """Return the share of `one` that motion does not bring over from `other`, by contrast.

    What is brought over is compared by the contrast and structure terms of SSIM (Wang et al.,
    2004), in which plain areas have no say.

    Args:
        one: uint8 [H, W], normalised.
        other: uint8 [H, W], normalised.
        flow: float32 [H, W, 2], from `one` to `other`.

    Returns:
        0..1.
    """
    own = one.astype(np.float32)
    moved = sample(other, pixel_grid(*one.shape) + flow)
    own_mean, moved_mean = _around(own), _around(moved)
    own_variance = np.maximum(_around(own * own) - own_mean**2, 0)
    moved_variance = np.maximum(_around(moved * moved) - moved_mean**2, 0)
    together = _around(own * moved) - own_mean * moved_mean
    structure = (2 * together + _NO_CONTRAST) / (own_variance + moved_variance + _NO_CONTRAST)
    weight = np.sqrt(np.maximum(own_variance, moved_variance))
    return float(weight[structure < _SAME].sum()) / max(float(weight.sum()), 1e-3)


def _around(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return cv2.blur(picture, (_PATCH, _PATCH))


def _spread(values: npt.NDArray[np.float32]) -> float:
    return float(np.abs(values - values.mean()).mean())
