"""Words for places in the frame and for directions."""

from clipmill.samples.captions.headings import Heading

_ACROSS = {-1: "left", 0: "", 1: "right"}
_DOWN = {-1: "top", 0: "", 1: "bottom"}
_UP = {-1: "up", 0: "", 1: "down"}
_HEIGHT = {-1: "upper", 1: "lower"}


_SIDE = 0.36, 0.28
"""Shares of width and height next to a border that are called after it."""

_WIDE = 0.6
"""An object that takes this share of a side is on neither end of it."""


def part_of(value: float, axis: int) -> int:
    """Return -1, 0 or 1 for the part of the width (axis 0) or height (1) that a place is in."""
    side = _SIDE[axis]
    return -1 if value < side else 1 if value > 1 - side else 0


def place_words(place: tuple[float, float], span: tuple[float, float] = (0.0, 0.0)) -> str:
    """Return `in the upper left of the frame` and the like.

    Args:
        place: x, y of a centre, as shares of width and height.
        span: What it takes of them.
    """
    across, down = (0 if span[axis] >= _WIDE else part_of(place[axis], axis) for axis in (0, 1))
    if across and down:
        return f"in the {_HEIGHT[down]} {_ACROSS[across]} of the frame"
    if across:
        return f"on the {_ACROSS[across]} side of the frame"
    return f"at the {_DOWN[down]} of the frame" if down else "in the centre of the frame"


def span_words(
    start: tuple[float, float],
    end: tuple[float, float],
    way: tuple[int, int],
    span: tuple[float, float],
) -> str:
    """Return `from the left of the frame to the right`; empty within one part of the frame."""
    axis = 0 if way[0] else 1
    if span[axis] >= _WIDE:
        return ""
    names = (_ACROSS, _DOWN)[axis]
    first, last = part_of(start[axis], axis), part_of(end[axis], axis)
    if first == last or (last - first) * way[axis] < 0:
        return ""
    return f"from the {names[first] or 'centre'} of the frame to the {names[last] or 'centre'}"


def way_words(way: tuple[int, int]) -> str:
    """Return `to the left`, `up`, `down and to the right`."""
    across, down = way
    parts = [_UP[down], f"to the {_ACROSS[across]}" if across else ""]
    return " and ".join(part for part in parts if part)


def heading_words(heading: Heading) -> str:
    """Return `to the left`, `first up, then down`, `back and forth`."""
    if heading.kind == "to and fro":
        return "back and forth" if heading.ways[0][0] else "up and down"
    words = [way_words(way) for way in heading.ways]
    return f"first {words[0]}, then {words[1]}" if len(words) == 2 else words[0]


def side_words(side: str) -> str:
    """Return `on the left` or `at the top` for a border."""
    return f"on the {side}" if side in ("left", "right") else f"at the {side}"
