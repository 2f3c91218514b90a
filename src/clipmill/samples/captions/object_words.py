"""What an object does, as words behind its name. What was not measured well is not said."""

from dataclasses import dataclass
from math import log

from clipmill.samples.captions.headings import Heading, heading_of
from clipmill.samples.captions.moves import ObjectMoves
from clipmill.samples.captions.places import (
    heading_words,
    place_words,
    side_words,
    span_words,
)

MOVED = 0.08
"""Reach, in longer sides of the picture, from which a direction is told."""

STAYED = 0.05
"""Reach below which an object stays where it is."""

_SEEN = 0.6
"""Least share of the frames in which an object must be seen for its motion to be told."""

_STIRS = 0.3
"""Object sizes per second from which an object that stays in place moves there."""

_SLOW, _FAST = 0.05, 0.3
"""Longer sides per second below and above which motion is slow and quick."""

_GROWS, _NEARS = log(1.3), log(1.6)
"""Growth from which an object becomes larger, and from which it comes closer."""

_SMALL, _LARGE, _FILLS = 0.02, 0.2, 0.5
"""Shares of the frame."""


@dataclass(frozen=True)
class Told:
    """An object in words.

    Attributes:
        name: `a large dog`, without what it does.
        does: `moves to the left, growing larger in the frame`.
        led: Direction in which it moves against the background while it stays in the picture:
            what the camera follows; None otherwise.
    """

    name: str
    does: str
    led: tuple[int, int] | None = None


def tell(moves: ObjectMoves, *, still: bool, another: bool) -> Told:
    """Put an object into words.

    Args:
        moves: What was measured.
        still: Whether the camera stands still.
        another: Whether an object of the same class was told of before.
    """
    told, led = _motion(moves, still=still)
    parts = [told, _growth(moves, still=still)]
    text = ", ".join(part for part in parts if part)
    return Told(_name(moves, another=another), text + _exit(moves), led)


def noun_of(moves: ObjectMoves) -> str:
    """Return the class, `subject` where it is not known."""
    return "subject" if moves.class_name == "object" else moves.class_name


def _name(moves: ObjectMoves, *, another: bool) -> str:
    noun = noun_of(moves)
    size = "large " if moves.area >= _LARGE else "small " if moves.area < _SMALL else ""
    if another:
        return f"another {size}{noun}"
    words = f"{size}{noun}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _motion(moves: ObjectMoves, *, still: bool) -> tuple[str, tuple[int, int] | None]:
    if moves.seen < _SEEN:
        return f"is {_at(moves)}", None
    seen = heading_of(moves.x, moves.y, least=MOVED)
    own = None
    if moves.own_x is not None and moves.own_y is not None:
        own = heading_of(moves.own_x, moves.own_y, least=MOVED)
    if seen is None:
        return _in_place(moves, None if still else own)
    if seen.kind == "unclear":
        return _between(moves), None
    if still or _agree(seen, own):
        return _along(moves, seen, _verb(moves)), None
    if own is not None and own.kind == "one way" and _smaller(moves):
        return f"{_verb(moves)} {heading_words(own)}", own.ways[0]
    return _along(moves, seen, "shifts") + _in_frame(moves, seen), None


def _in_place(moves: ObjectMoves, own: Heading | None) -> tuple[str, tuple[int, int] | None]:
    """Tell of an object that does not get far in the picture."""
    if own is not None and own.kind != "unclear":
        led = own.ways[0] if own.kind == "one way" else None
        return f"{_verb(moves)} {heading_words(own)} and {_stays(moves)}", led
    if max(moves.x.reach, moves.y.reach) >= STAYED:
        return f"is {_at(moves)}", None
    return (f"moves on the spot {_at(moves)}" if moves.stir >= _STIRS else _stays(moves)), None


def _agree(seen: Heading, own: Heading | None) -> bool:
    """Whether the object goes the same way in the picture and against the background."""
    return own is not None and seen == own


def _smaller(moves: ObjectMoves) -> bool:
    """Whether the object goes much further against the background than in the picture."""
    assert moves.own_x is not None and moves.own_y is not None
    own = max(moves.own_x.reach, moves.own_y.reach)
    return own >= 3 * max(moves.x.reach, moves.y.reach)


def _along(moves: ObjectMoves, heading: Heading, verb: str) -> str:
    if heading.kind == "one way" and 0 in heading.ways[0]:
        span = span_words(moves.start, moves.end, heading.ways[0])
        if span:
            return f"{verb} {span}"
    return f"{verb} {heading_words(heading)}"


def _in_frame(moves: ObjectMoves, heading: Heading) -> str:
    """Say that a direction is one in the picture, where the words do not say so yet."""
    told = heading.kind == "one way" and 0 in heading.ways[0]
    if told and span_words(moves.start, moves.end, heading.ways[0]):
        return ""
    return " in the frame"


def _between(moves: ObjectMoves) -> str:
    first, last = place_words(*moves.start), place_words(*moves.end)
    if moves.exit_at is not None or first == last:
        return f"moves about, starting {first}"
    return f"starts {first} and ends {last}"


def _verb(moves: ObjectMoves) -> str:
    if moves.speed is None:
        return "moves"
    _, middle, high = moves.speed
    return "moves quickly" if middle > _FAST else "moves slowly" if high < _SLOW else "moves"


def _stays(moves: ObjectMoves) -> str:
    return f"stays {_at(moves)}"


def _at(moves: ObjectMoves) -> str:
    if moves.area >= _FILLS:
        return "in view, filling much of the frame"
    return place_words(*moves.start)


def _growth(moves: ObjectMoves, *, still: bool) -> str:
    if moves.seen < _SEEN or not moves.growth.is_one_way:
        return ""
    size = abs(moves.growth.way)
    if size < _GROWS:
        return ""
    larger = moves.growth.way > 0
    if still and size >= _NEARS:
        return "coming closer" if larger else "going away"
    return f"becoming {'larger' if larger else 'smaller'} in the frame"


def _exit(moves: ObjectMoves) -> str:
    if moves.exit_at is None or not moves.exit_at:
        return ""
    side = f" {side_words(moves.exit_side)}" if moves.exit_side else ""
    back = ", and comes back" if moves.returns else ""
    return f", then leaves the frame{side}{_when(moves.exit_at)}{back}"


def _when(share: float) -> str:
    if share < 0.3:
        return " early on"
    return " halfway through" if 0.4 <= share <= 0.6 else " near the end" if share > 0.8 else ""
