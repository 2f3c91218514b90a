"""In which direction something goes, from its courses across and down the picture."""

from dataclasses import dataclass
from typing import Literal

from clipmill.samples.captions.course import Course

_MINOR = 0.5
"""Reach along the other axis, as a share of the larger one, from which motion is diagonal."""

Kind = Literal["one way", "two ways", "to and fro", "unclear"]


@dataclass(frozen=True)
class Heading:
    """A direction in the picture.

    Attributes:
        kind: `one way`; `two ways`: first `ways[0]`, then `ways[1]`; `to and fro` along the axis
            of `ways[0]`; `unclear`: it moves, yet neither of these.
        ways: Unit steps x right, y down, each -1, 0 or 1.
    """

    kind: Kind
    ways: tuple[tuple[int, int], ...] = ()


def heading_of(x: Course, y: Course, *, least: float) -> Heading | None:
    """Return where a motion goes; None where it reaches less than `least` along both axes."""
    major, minor = (x, y) if x.reach >= y.reach else (y, x)
    if major.reach < least:
        return None
    across = major is x
    if minor.reach >= _MINOR * major.reach:
        if major.is_one_way and minor.is_one_way:
            return Heading("one way", ((_sign(x.way), _sign(y.way)),))
        return Heading("unclear")
    ways = tuple((_sign(leg), 0) if across else (0, _sign(leg)) for leg in major.legs)
    if major.is_one_way:
        return Heading("one way", ways)
    if len(ways) == 2:
        return Heading("two ways", ways)
    return Heading("to and fro", ways[:1]) if len(ways) > 2 else Heading("unclear")


def _sign(value: float) -> int:
    return 1 if value > 0 else -1
