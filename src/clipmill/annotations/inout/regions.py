"""Region boxes: canvases that an object is outside of at the anchor.

Boxes are drawn at random in the six aspect ratios of the frames that models are trained on, must
keep a margin to every point of the object at the anchor, and may not touch its mask anywhere, or
the object would leak into the first frame of a Frame-In sample. The widest share of a draw is
its height: a width follows from `height * aspect`, and a draw that would leave less than the
smallest box of its aspect to the right of its left edge is refused. What still reaches over the
right border is cut there, so a box may be narrower than its name says.

Most regions of a moving object are of use for Frame-Out only if it goes in later. Those it never
enters are kept, with `enter_frame` None: a model must also learn that an identity image does not
have to appear, and whether to train on them is a choice to make when samples are selected.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.schema import Region
from clipmill.store.codecs import decode_mask

Boxes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Aspect:
    """A shape of region.

    Attributes:
        name: `width:height`.
        weight: How often it is drawn; the weights of all shapes add up to 1.
        min_height: Smallest height, share of the frame's height.
    """

    name: str
    weight: float
    min_height: float

    @property
    def ratio(self) -> float:
        """Width over height."""
        across, down = self.name.split(":")
        return int(across) / int(down)


ASPECTS = (
    Aspect("16:9", 0.35, 0.6),
    Aspect("3:2", 0.3, 0.6),
    Aspect("4:3", 0.2, 0.65),
    Aspect("5:4", 0.13, 0.65),
    Aspect("1:1", 0.01, 0.75),
    Aspect("4:5", 0.01, 0.85),
)
_FURTHEST = 0.55


@dataclass(frozen=True)
class Draws:
    """Boxes that were drawn and hold to the rules.

    Attributes:
        boxes: int64 [N, 4], x0, y0, x1, y1 in source pixels, half-open.
        aspects: int64 [N], numbers in `ASPECTS`.
    """

    boxes: Boxes
    aspects: npt.NDArray[np.int64]

    @property
    def areas(self) -> npt.NDArray[np.int64]:
        """Pixels of each box."""
        x0, y0, x1, y1 = self.boxes.T
        return np.asarray((x1 - x0) * (y1 - y0))

    def keep(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Draws":
        """Return some of the draws."""
        return Draws(self.boxes[chosen], self.aspects[chosen])


def draw_boxes(
    points: npt.NDArray[np.floating],
    *,
    width: int,
    height: int,
    tries: int,
    margin: float,
    seed: int,
) -> Draws:
    """Draw boxes that all points lie outside of.

    Args:
        points: [N, 2], x, y in source pixels: the object's points at the anchor.
        width: Source width W.
        height: Source height H.
        tries: Boxes drawn before any is refused.
        margin: Source pixels a point must be away from a box, strictly more.
        seed: Decides the draws.

    Returns:
        Accepted boxes in the order of drawing; top-left corners are at most at
        (0.55 W, 0.55 H).
    """
    rng = np.random.default_rng(seed)
    aspects = rng.choice(len(ASPECTS), tries, p=[aspect.weight for aspect in ASPECTS])
    x0 = rng.integers(0, int(_FURTHEST * width), tries, endpoint=True)
    y0 = rng.integers(0, int(_FURTHEST * height), tries, endpoint=True)
    ratio = np.array([aspect.ratio for aspect in ASPECTS])[aspects]
    smallest = np.array([aspect.min_height for aspect in ASPECTS])[aspects] * height
    # Where the smallest box does not fit, the draw is refused below; any height will do.
    lowest = np.minimum(smallest.astype(int), height - y0)
    tall = rng.integers(lowest, height - y0, endpoint=True)
    x1 = np.minimum(x0 + (tall * ratio).astype(int), width)
    fits = (height - y0 >= smallest) & (x0 + smallest * ratio <= width)
    boxes = np.stack([x0, y0, x1, y0 + tall], axis=1).astype(np.int64)
    draws = Draws(boxes, aspects.astype(np.int64)).keep(fits)
    return draws.keep(_outside(points, draws.boxes, margin=margin))


def _outside(
    points: npt.NDArray[np.floating], boxes: Boxes, *, margin: float
) -> npt.NDArray[np.bool_]:
    """Return for each box whether every point is further away than the margin."""
    x, y = points[:, :1], points[:, 1:]
    x0, y0, x1, y1 = boxes.T
    away = (x + margin < x0) | (x - margin > x1) | (y + margin < y0) | (y - margin > y1)
    return np.asarray(away.all(axis=0))


def without_leak(draws: Draws, mask: npt.NDArray[np.bool_], *, margin: int) -> Draws:
    """Drop boxes that come too near to a mask.

    Args:
        draws: Boxes in source pixels.
        mask: bool [H, W] at source size: the object at the anchor.
        margin: Source pixels between mask and box; a mask made at a working size is not sure of
            its own border, and a sliver of the object in the region would give it away.
    """
    height, width = mask.shape
    grown = draws.boxes + np.array([-margin, -margin, margin, margin])
    grown = np.clip(grown, 0, np.array([width, height, width, height]))
    return draws.keep(_covered(mask, grown) == 0)


def _covered(mask: npt.NDArray[np.bool_], boxes: Boxes) -> npt.NDArray[np.int64]:
    """Return how many pixels of a mask lie in each box (clipped to the mask's grid)."""
    total = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    total[1:, 1:] = mask.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    x0, y0, x1, y1 = boxes.T
    return np.asarray(total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0])


def largest(draws: Draws, count: int) -> Draws:
    """Keep the largest boxes, largest last; of equal ones the later drawn."""
    order = np.argsort(draws.areas, kind="stable")
    return draws.keep(order[max(0, len(order) - count) :])


def to_regions(
    draws: Draws,
    masks: Sequence[bytes],
    *,
    anchor: int,
    left: int | None,
    size: tuple[int, int],
    inside_share: float,
) -> tuple[Region, ...]:
    """Tell when the object is inside each box.

    Args:
        draws: The boxes.
        masks: `encode_mask` blobs of the frames from the anchor on.
        anchor: Frame of the first mask, counted from the clip's start.
        left: Frame at which the object has left the picture for good, if it does.
        size: (width, height) of the source.
        inside_share: Share of the mask that must lie in a box to count as inside.

    Returns:
        Regions in the order of the draws. A frame where the object is not seen decides nothing,
        as it may be hidden; once it has left the picture it is outside.
    """
    entered: list[int | None] = [None] * len(draws.boxes)
    exited: list[int | None] = [None] * len(draws.boxes)
    for frame, blob in enumerate(masks, start=anchor):
        mask = decode_mask(blob)
        whole = int(mask.sum())
        if not whole:
            continue
        inside = _covered(mask, _to_grid(draws.boxes, mask.shape, size)) >= inside_share * whole
        for number in range(len(draws.boxes)):
            if entered[number] is None and inside[number]:
                entered[number] = frame
            elif entered[number] is not None and exited[number] is None and not inside[number]:
                exited[number] = frame
    return tuple(
        Region(
            box=tuple(int(edge) for edge in box),
            aspect=ASPECTS[aspect].name,
            area=int(area),
            enter_frame=came,
            exit_frame=gone if gone is not None or came is None else left,
        )
        for box, aspect, area, came, gone in zip(
            draws.boxes, draws.aspects, draws.areas, entered, exited, strict=True
        )
    )


def _to_grid(boxes: Boxes, shape: tuple[int, ...], size: tuple[int, int]) -> Boxes:
    """Scale boxes from source pixels to a mask's grid."""
    scale = np.array([shape[1] / size[0], shape[0] / size[1]] * 2)
    return np.rint(boxes * scale).astype(np.int64)
