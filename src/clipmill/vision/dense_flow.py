"""Dense optical flow between two frames, with a check of where it can be trusted.

Method: DIS flow (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.vision.arrays import Gray

Field = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Flow:
    """Motion of every pixel of frame a towards frame b.

    Attributes:
        vectors: float32 [H, W, 2], x right, y down, pixels of the working size.
        consistent: bool [H, W]: following the flow to b and b's flow back ends where it began.
            False where b hides the pixel or the match is a guess.
    """

    vectors: Field
    consistent: npt.NDArray[np.bool_]


@cache
def pixel_grid(height: int, width: int) -> Field:
    """Return float32 [H, W, 2] with the x, y of every pixel; read-only and shared."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    grid = np.stack([x, y], axis=-1)
    grid.flags.writeable = False
    return grid


def lengths(field: Field) -> npt.NDArray[np.float32]:
    """Return the length of every vector of a field, float32 [H, W]."""
    return np.asarray(
        cv2.magnitude(np.ascontiguousarray(field[..., 0]), np.ascontiguousarray(field[..., 1]))
    )


def sample(image: npt.NDArray[np.generic], at: Field) -> npt.NDArray[np.float32]:
    """Sample an image at float positions [H, W, 2] (x, y), bilinear, edges repeated."""
    return cv2.remap(
        image.astype(np.float32), at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def round_trip(forward: Field, backward: Field, *, tolerance: float = 1.0) -> npt.NDArray[np.bool_]:
    """Return where following a flow and the flow back ends where it began, bool [H, W].

    Args:
        forward: float32 [H, W, 2], from a to b, on the grid of a.
        backward: float32 [H, W, 2], from b to a, on the grid of b.
        tolerance: Pixels the round trip may miss by; 5 % of the motion is added. What leaves the
            picture does not come back.
    """
    height, width = forward.shape[:2]
    landing = pixel_grid(height, width) + forward
    miss = lengths(forward + sample(backward, landing))
    x, y = landing[..., 0], landing[..., 1]
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return np.asarray((miss <= tolerance + 0.05 * lengths(forward)) & inside, bool)


class FlowEstimator:
    """DIS flow with one set of buffers; not safe to share between threads."""

    def __init__(self) -> None:
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def one_way(self, a: Gray, b: Gray) -> Field:
        """Return the flow from a to b, float32 [H, W, 2]."""
        return self._dis.calc(a, b, None)

    def checked(self, a: Gray, b: Gray, *, tolerance: float = 1.0) -> Flow:
        """Return the flow from a to b with its forward-backward check.

        Args:
            a: uint8 [H, W].
            b: uint8 [H, W].
            tolerance: Pixels the round trip may miss by; 5 % of the motion is added.
        """
        forward = self.one_way(a, b)
        backward = self.one_way(b, a)
        return Flow(forward, round_trip(forward, backward, tolerance=tolerance))


class PairFlows:
    """Flow between neighbouring frames, both ways, computed once and kept small.

    Kept as float16 at half the size, which is where DIS computes it anyway.

    Args:
        frames: Frame number -> uint8 [H, W].
    """

    def __init__(self, frames: Mapping[int, Gray]) -> None:
        self._frames = frames
        self._flows = FlowEstimator()
        self._known: dict[tuple[int, int], npt.NDArray[np.float16]] = {}

    def between(self, first: int, second: int) -> Field:
        """Return the flow from one frame to its neighbour, float32 [H, W, 2], pixels."""
        if (first, second) not in self._known:
            a, b = self._frames[first], self._frames[second]
            self._known[first, second] = halved(self._flows.one_way(a, b))
        height, width = self._frames[first].shape
        field = self._known[first, second].astype(np.float32)
        return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)


def halved(field: Field) -> npt.NDArray[np.float16]:
    """Return a field on a grid of half its size, vectors unchanged, float16 [H / 2, W / 2, 2]."""
    height, width = field.shape[:2]
    size = (max(1, width // 2), max(1, height // 2))
    return cv2.resize(field, size, interpolation=cv2.INTER_AREA).astype(np.float16)
