"""Where there is text, as EasyOCR finds it: the CRAFT detector (Baek et al., CVPR 2019).

EasyOCR's `readtext` keeps every box that its detector found, whatever the recogniser read, so
the recogniser is left out: the area is the same, whichever languages are asked for. What is left
of the library is here in own code, which needs neither torchvision nor a recogniser's packages.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from clipmill.annotations.quality.measures.text import polygon_area
from clipmill.annotations.quality.measures.text_boxes import word_boxes
from clipmill.annotations.quality.measures.text_lines import lines_of
from clipmill.annotations.quality.scores.frame_scores import FRAMES_PER_CLIP, Corners, ScoreOptions
from clipmill.annotations.quality.scores.picture_score import runs_of_one_shape
from clipmill.models.device import autocast, choose_device, full_precision, inference
from clipmill.models.image_scores.craft import Craft
from clipmill.weights import load_state_dict

_MIN_SIDE = 20
"""Boxes whose longer side is not above this, in source pixels, do not count."""

_CANVAS = 2560
"""Longer side of a frame that is not scaled down."""
_GRID = 32
"""Sides of what the network sees are multiples of it."""
_MEAN = np.array([0.485, 0.456, 0.406], np.float32) * np.float32(255)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32) * np.float32(255)


class EasyOcrText:
    """Share of a frame inside text boxes, and their number.

    Args:
        weights: Folder with `craft_mlt_25k.pth`, or that file.
        options: Device and precision.
    """

    columns = ("text_area", "num_text_boxes")

    def __init__(self, weights: Path, options: ScoreOptions) -> None:
        self._device = choose_device(options.device, what="text area")
        self._precision = autocast if options.mixed_precision else full_precision
        self._size = options.frames_per_call or FRAMES_PER_CLIP
        network = Craft().eval().requires_grad_(False)
        path = weights / "craft_mlt_25k.pth" if weights.is_dir() else weights
        load_state_dict(network, path, prefix="module.")
        self._model = network.to(self._device)

    def prepare(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the frame as it is: text is looked for at source size."""
        return frame

    def measure(self, prepared: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
        """Return float64 [N, 2]: area (over 1 where boxes overlap), number of boxes."""
        return self.locate(prepared)[0]

    def locate(
        self, prepared: Sequence[npt.NDArray[np.uint8]]
    ) -> tuple[npt.NDArray[np.float64], list[list[Corners]]]:
        """Return what `measure` returns, and the boxes of every frame; see `boxes_of`."""
        values: list[tuple[float, float]] = []
        found: list[list[Corners]] = []
        for frames in runs_of_one_shape(prepared, at_most=self._size):
            for frame, polygons in zip(frames, self._detect(np.stack(frames)), strict=True):
                boxes = boxes_of(polygons, height=frame.shape[0], width=frame.shape[1])
                covered = sum(map(polygon_area, boxes))
                values.append((covered / (frame.shape[0] * frame.shape[1]), float(len(boxes))))
                found.append(boxes)
        return np.array(values, np.float64), found

    def _detect(self, frames: npt.NDArray[np.uint8]) -> list[list[npt.NDArray[np.int32]]]:
        """Return the boxes of words in frames uint8 [N, H, W, 3]; see `word_boxes`."""
        shown, ratio = zip(*map(_shown, frames), strict=True)
        pictures = torch.from_numpy(np.stack(shown)).permute(0, 3, 1, 2).to(self._device)
        with inference(), self._precision(self._device):
            maps = self._model(pictures).float().cpu().numpy()
        return [word_boxes(one[..., 0], one[..., 1], scale=2 / ratio[0]) for one in maps]


def _shown(frame: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], float]:
    """Return what the network sees of a frame, float32 [H', W', 3], and the factor of its size."""
    longest = max(frame.shape[:2])
    ratio = min(longest, _CANVAS) / longest
    height, width = (int(side * ratio) for side in frame.shape[:2])
    canvas = np.zeros((height + -height % _GRID, width + -width % _GRID, 3), np.float32)
    canvas[:height, :width] = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
    return (canvas - _MEAN) / _DEVIATION, ratio


def boxes_of(
    words: Sequence[npt.NDArray[np.int32]], *, height: int, width: int
) -> list[npt.NDArray[np.float64]]:
    """Join words to lines of text, as `readtext` does, and leave out small ones.

    Args:
        words: int [8] each: x and y of four corners in source pixels.
        height: Of the frame, pixels.
        width: Of the frame, pixels.

    Returns:
        Corners float64 [4, 2], x, y in source pixels. Upright boxes are cut at the frame's border;
        slanted ones, as in the library, are not.
    """
    upright, slanted = lines_of(words)
    boxes = []
    for left, right, top, bottom in upright:
        if max(right - left, bottom - top) <= _MIN_SIDE:
            continue
        left, right = max(0, left), min(right, width)  # noqa: PLW2901 - the cut box
        top, bottom = max(0, top), min(bottom, height)  # noqa: PLW2901
        boxes.append([[left, top], [right, top], [right, bottom], [left, bottom]])
    for corners in slanted:
        if np.ptp(corners, axis=0).max() > _MIN_SIDE:
            boxes.append(corners.tolist())
    return [np.array(box, np.float64) for box in boxes]
