"""Words for places in the frame and for directions."""

from clipmill.samples.captions.headings import Heading

_ACROSS = {-1: "left", 0: "", 1: "right"}
_DOWN = {-1: "top", 0: "", 1: "bottom"}
_UP = {-1: "up", 0: "", 1: "down"}
_HEIGHT = {-1: "upper", 1: "lower"}


def third(value: float) -> int:
    """Return -1, 0 or 1 for the first, second and last third of a side."""
    return -1 if value < 1 / 3 else 1 if value > 2 / 3 else 0


def place_words(x: float, y: float) -> str:
    """Return `in the upper left of the frame` for a place in shares of width and height."""
    across, down = third(x), third(y)
    if across and down:
        return f"in the {_HEIGHT[down]} {_ACROSS[across]} of the frame"
    if across:
        return f"on the {_ACROSS[across]} side of the frame"
    return f"at the {_DOWN[down]} of the frame" if down else "in the centre of the frame"


def span_words(start: tuple[float, float], end: tuple[float, float], way: tuple[int, int]) -> str:
    """Return `from the left of the frame to the right`; empty within one third."""
    axis = 0 if way[0] else 1
    names = (_ACROSS, _DOWN)[axis]
    first, last = third(start[axis]), third(end[axis])
    if first == last or (last - first) * way[axis] < 0:
        return ""
    return f"from the {names[first] or 'centre'} of the frame to the {names[last] or 'centre'}"


def way_words(way: tuple[int, int]) -> str:
    """Return `to the left`, `up`, `down and to the right`."""
    across, down = way
    parts = [_UP[down], f"to the {_ACROSS[across]}" if across else ""]
    return " and ".join(part for part in parts if part)


def heading_words(heading: Heading) -> str:
    """Return `to the left`, `first up, then down`, `from side to side`."""
    if heading.kind == "to and fro":
        return "from side to side" if heading.ways[0][0] else "up and down"
    words = [way_words(way) for way in heading.ways]
    return f"first {words[0]}, then {words[1]}" if len(words) == 2 else words[0]


def side_words(side: str) -> str:
    """Return `on the left` or `at the top` for a border."""
    return f"on the {side}" if side in ("left", "right") else f"at the {side}"
