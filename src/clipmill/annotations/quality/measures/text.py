"""Where there is text: RapidOCR (PP-OCR), with the weights of its wheel.

The detector alone takes blurred frames, gravel, cups and faces for text, up to 99 % of a frame.
So a box counts only when the recogniser can read it, which left one false box in 22 real clips.
"""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.disk import sha256_of
from clipmill.video import fit_within

_MEAN, _DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
"""What the detector was trained with; the library's own default of 0.5 finds text in the dark."""


def packaged_weights(task: str) -> Path:
    """Return the weights of `det` or `rec` inside the installed wheel, without importing it.

    Raises:
        FileNotFoundError: The wheel holds none; they are never downloaded instead.
    """
    folder = Path(str(distribution("rapidocr").locate_file("rapidocr/models")))
    found = sorted(folder.glob(f"*_{task}_*.onnx"))
    if not found:
        raise FileNotFoundError(f"no text weights '{task}' in {folder}; reinstall rapidocr")
    return found[0]


@cache
def weights_checksum(task: str) -> str:
    """Return the SHA-256 of the weights of `det` or `rec`."""
    return sha256_of(packaged_weights(task))


class TextFinder:
    """Finds boxes of readable text.

    Args:
        long_side: Frames are scaled down to this longer side, never up.
        min_score: Boxes that the recogniser is less sure of do not count, [0, 1].
        min_length: Boxes with fewer characters do not count: a round thing reads as an O.
        threads: Threads of the networks; one gives the same bytes on every machine.
    """

    def __init__(self, *, long_side: int, min_score: float, min_length: int, threads: int) -> None:
        from rapidocr import RapidOCR

        self._long_side = long_side
        self._min_length = min_length
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": min_score,
                # Given paths keep the library from looking for weights elsewhere.
                "Det.model_path": str(packaged_weights("det")),
                "Rec.model_path": str(packaged_weights("rec")),
                "Det.limit_type": "max",
                "Det.limit_side_len": long_side,
                "Det.mean": _MEAN,
                "Det.std": _DEVIATION,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def boxes(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Return the corners of text boxes, float64 [N, 4, 2], x, y as shares of the frame.

        Args:
            frame: RGB uint8 [H, W, 3].
        """
        height, width = frame.shape[:2]
        size = fit_within(width, height, long_side=self._long_side, multiple=1)
        small: Any = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        # The library wants BGR.
        answer = self._engine(
            np.ascontiguousarray(small[..., ::-1]), use_det=True, use_cls=False, use_rec=True
        )
        if answer.boxes is None:
            return np.zeros((0, 4, 2))
        kept = [
            box
            for box, read in zip(answer.boxes, answer.txts, strict=True)
            if len(read.strip()) >= self._min_length
        ]
        return np.asarray(kept, np.float64).reshape(-1, 4, 2) / size


def polygon_area(corners: npt.NDArray[np.float64]) -> float:
    """Return the area of a polygon [K, 2] by the shoelace formula."""
    x, y = corners.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
