"""Where there is text, as EasyOCR finds it: the CRAFT detector (Baek et al., CVPR 2019).

EasyOCR's `readtext` keeps every box that its detector found, whatever the recogniser read, so
the recogniser is left out: the area is the same, whichever languages are asked for.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.quality.measures.text import polygon_area
from clipmill.annotations.quality.scores.frame_scores import FRAMES_PER_CLIP, ScoreOptions
from clipmill.annotations.quality.scores.pyiqa_scores import runs_of_one_shape
from clipmill.models.device import autocast, choose_device, full_precision, inference
from clipmill.weights import load_state_dict

_MIN_SIDE = 20
"""Boxes whose longer side is not above this, in source pixels, do not count."""

_DETECTION = {
    "canvas_size": 2560, "mag_ratio": 1.0, "text_threshold": 0.7, "link_threshold": 0.4,
    "low_text": 0.4, "poly": False,
}  # fmt: skip
_GROUPING = {
    "slope_ths": 0.1, "ycenter_ths": 0.5, "height_ths": 0.5, "width_ths": 0.5, "add_margin": 0.1,
}  # fmt: skip
"""The defaults of EasyOCR's `readtext`, spelt out so that another release changes nothing."""


class EasyOcrText:
    """Share of a frame inside text boxes, and their number.

    Args:
        weights: Folder with `craft_mlt_25k.pth`, or that file.
        options: Device and precision.
    """

    columns = ("text_area", "num_text_boxes")

    def __init__(self, weights: Path, options: ScoreOptions) -> None:
        from easyocr.craft import CRAFT

        self._device = choose_device(options.device, what="text area")
        self._precision = autocast if options.mixed_precision else full_precision
        self._size = options.frames_per_call or FRAMES_PER_CLIP
        network = CRAFT(pretrained=False).eval().requires_grad_(False)
        path = weights / "craft_mlt_25k.pth" if weights.is_dir() else weights
        load_state_dict(network, path, prefix="module.")
        self._model = network.to(self._device)

    def prepare(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the frame as it is: text is looked for at source size."""
        return frame

    def measure(self, prepared: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
        """Return float64 [N, 2]: area (over 1 where boxes overlap), number of boxes."""
        values: list[tuple[float, float]] = []
        for frames in runs_of_one_shape(prepared, at_most=self._size):
            for frame, polygons in zip(frames, self._detect(np.stack(frames)), strict=True):
                boxes = boxes_of(polygons, height=frame.shape[0], width=frame.shape[1])
                covered = sum(map(polygon_area, boxes))
                values.append((covered / (frame.shape[0] * frame.shape[1]), float(len(boxes))))
        return np.array(values, np.float64)

    def _detect(self, frames: npt.NDArray[np.uint8]) -> list[Any]:
        from easyocr.detection import get_textbox

        with inference(), self._precision(self._device):
            found: list[Any] = get_textbox(
                self._model, frames, device=self._device, optimal_num_chars=None, **_DETECTION
            )
        return found


def boxes_of(polygons: Any, *, height: int, width: int) -> list[npt.NDArray[np.float64]]:
    """Join the detector's polygons to lines of text, as `readtext` does.

    Args:
        polygons: Sequence of int [8], x and y of four corners in source pixels.
        height: Of the frame, pixels.
        width: Of the frame, pixels.

    Returns:
        Corners float64 [4, 2], x, y in source pixels. Upright boxes are cut at the frame's border;
        slanted ones, as in the library, are not.
    """
    from easyocr.utils import group_text_box

    upright, slanted = group_text_box(polygons, **_GROUPING)
    boxes = []
    for left, right, top, bottom in upright:
        if max(right - left, bottom - top) <= _MIN_SIDE:
            continue
        left, right = max(0, left), min(right, width)  # noqa: PLW2901 - the cut box
        top, bottom = max(0, top), min(bottom, height)  # noqa: PLW2901
        boxes.append([[left, top], [right, top], [right, bottom], [left, bottom]])
    for corners in slanted:
        spans = np.ptp(np.array(corners), axis=0)
        if spans.max() > _MIN_SIDE:
            boxes.append(corners)
    return [np.array(box, np.float64) for box in boxes]
