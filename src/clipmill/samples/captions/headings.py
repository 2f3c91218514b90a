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
        kind: `one way`; `two ways`: first `ways[0]`, then `ways[1]`; `to and fro`, along the axis
            of `ways[0]`; `unclear`: it moves, yet in none of these ways.
        ways: Unit steps x right, y down, each -1, 0 or 1.
    """

    kind: Kind
    ways: tuple[tuple[int, int], ...] = ()


def heading_of(x: Course, y: Course, *, least: float) -> Heading | None:
    """Return where a motion goes; None where it reaches less than `least` along both axes."""
    major, minor = (x, y) if x.reach >= y.reach else (y, x)
    if major.reach < least:
        return None
    if minor.reach < _MINOR * major.reach:
        return _along_axis(major, across=major is x)
    if major.is_one_way and minor.is_one_way:
        return Heading("one way", ((_sign(x.way), _sign(y.way)),))
    return Heading("unclear")


def _along_axis(major: Course, *, across: bool) -> Heading:
    if major.is_one_way:
        return Heading("one way", (_step(major.way, across=across),))
    if major.turn is not None:
        return Heading("two ways", tuple(_step(leg, across=across) for leg in major.turn))
    if major.is_to_and_fro:
        return Heading("to and fro", ((1, 0) if across else (0, 1),))
    return Heading("unclear")


def _step(value: float, *, across: bool) -> tuple[int, int]:
    return (_sign(value), 0) if across else (0, _sign(value))


def _sign(value: float) -> int:
    return 1 if value > 0 else -1
