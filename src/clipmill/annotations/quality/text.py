"""Where there is text: RapidOCR's detector (PP-OCR), with the weights of its wheel."""

import hashlib
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.video import fit_within


def detector_weights() -> Path:
    """Return the detector's weights inside the installed wheel, without importing it.

    Raises:
        FileNotFoundError: The wheel holds none; it is never downloaded instead.
    """
    folder = Path(str(distribution("rapidocr").locate_file("rapidocr/models")))
    found = sorted(folder.glob("*det*.onnx"))
    if not found:
        raise FileNotFoundError(f"no text detection weights in {folder}; reinstall rapidocr")
    return found[0]


@cache
def weights_checksum() -> str:
    """Return the SHA-256 of the detector's weights."""
    return hashlib.sha256(detector_weights().read_bytes()).hexdigest()


class TextFinder:
    """Finds text boxes; recognition is never run.

    Args:
        long_side: Frames are scaled down to this longer side, never up.
        min_score: Boxes the detector is less sure of are left out, [0, 1].
        threads: Threads of the network; one gives the same bytes on every machine.
    """

    def __init__(self, *, long_side: int, min_score: float, threads: int) -> None:
        from rapidocr import RapidOCR

        self._long_side = long_side
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                # A given path keeps the library from looking for weights elsewhere.
                "Det.model_path": str(detector_weights()),
                "Det.limit_type": "max",
                "Det.limit_side_len": long_side,
                "Det.box_thresh": min_score,
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
            np.ascontiguousarray(small[..., ::-1]), use_det=True, use_cls=False, use_rec=False
        )
        if answer.boxes is None:
            return np.zeros((0, 4, 2))
        return np.asarray(answer.boxes, np.float64).reshape(-1, 4, 2) / size


def polygon_area(corners: npt.NDArray[np.float64]) -> float:
    """Return the area of a polygon [K, 2] by the shoelace formula."""
    x, y = corners.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
