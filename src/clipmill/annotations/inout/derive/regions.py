"""Region boxes: canvases that an object is outside of at the anchor.

Boxes are drawn at random in the six aspect ratios of the frames that models are trained on, must
keep a margin to every point of the object at the anchor, and may not touch its mask anywhere, or
the object would leak into the first frame of a Frame-In sample. The widest share of a draw is
its height: a width follows from `height * aspect`, and a draw that would leave less than the
smallest box of its aspect to the right of its left edge is refused. What still reaches over the
right border is cut there, so a box may be narrower than its name says.

A region that the object never enters teaches nothing of Frame-In or Frame-Out: of the boxes that
were drawn, those are kept in which the object is inside for some frames and outside for some. The
published rule asks for neither; a setting of 0 frames inside brings it back.
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


@dataclass(frozen=True)
class Passes:
    """Frames in which an object is inside and outside of boxes; N boxes, T frames.

    Attributes:
        inside: bool [T, N].
        outside: bool [T, N]. Neither where the object is not seen: it may be hidden, which
            decides nothing; once it has left the picture it is outside.
    """

    inside: npt.NDArray[np.bool_]
    outside: npt.NDArray[np.bool_]


def passes_of(
    draws: Draws,
    masks: Sequence[bytes],
    *,
    anchor: int,
    left: int | None,
    size: tuple[int, int],
    inside_share: float,
) -> Passes:
    """Tell in which frames the object is inside each box.

    Args:
        draws: N boxes.
        masks: `encode_mask` blobs of T frames from the anchor on.
        anchor: Frame of the first mask, counted from the clip's start.
        left: Frame at which the object has left the picture for good, if it does.
        size: (width, height) of the source.
        inside_share: Share of the mask that must lie in a box to count as inside.
    """
    inside = np.zeros((len(masks), len(draws.boxes)), bool)
    outside = np.zeros_like(inside)
    for number, blob in enumerate(masks):
        mask = decode_mask(blob)
        whole = int(mask.sum())
        if whole:
            covered = _covered(mask, _to_grid(draws.boxes, mask.shape, size))
            inside[number] = covered >= inside_share * whole
            outside[number] = ~inside[number]
        elif left is not None and anchor + number >= left:
            outside[number] = True
    return Passes(inside, outside)


def entered(passes: Passes, *, min_inside: int, min_outside: int) -> npt.NDArray[np.bool_]:
    """Return the boxes that an object really enters, bool [N].

    Args:
        passes: Frames inside and outside.
        min_inside: Frames it must be inside, in all.
        min_outside: Frames it must be outside, in all.
    """
    enough_inside = passes.inside.sum(axis=0) >= max(1, min_inside)
    return np.asarray(enough_inside & (passes.outside.sum(axis=0) >= min_outside), bool)


def largest(draws: Draws, count: int) -> npt.NDArray[np.int64]:
    """Return the numbers of the largest boxes, largest last; of equal ones the later drawn."""
    order = np.argsort(draws.areas, kind="stable")
    return order[max(0, len(order) - count) :]


def to_regions(draws: Draws, passes: Passes, *, anchor: int) -> tuple[Region, ...]:
    """Return boxes as regions, with the first entry and the exit after it.

    Args:
        draws: N boxes.
        passes: Frames inside and outside of them.
        anchor: Clip index of the first of those frames.
    """
    regions = []
    for number, (box, aspect) in enumerate(zip(draws.boxes, draws.aspects, strict=True)):
        inside = np.flatnonzero(passes.inside[:, number])
        came = int(inside[0]) if len(inside) else None
        after = passes.outside[came:, number] if came is not None else np.zeros(0, bool)
        gone = None if came is None or not after.any() else came + int(np.argmax(after))
        regions.append(
            Region(
                box=tuple(int(edge) for edge in box),
                aspect=ASPECTS[aspect].name,
                area=int(draws.areas[number]),
                enter_frame=None if came is None else anchor + came,
                exit_frame=None if gone is None else anchor + gone,
            )
        )
    return tuple(regions)


def _to_grid(boxes: Boxes, shape: tuple[int, ...], size: tuple[int, int]) -> Boxes:
    """Scale boxes from source pixels to a mask's grid."""
    scale = np.array([shape[1] / size[0], shape[0] / size[1]] * 2)
    return np.rint(boxes * scale).astype(np.int64)
