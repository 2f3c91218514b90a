"""What an object does, as words behind its name. What was not measured well is not said."""

from dataclasses import dataclass
from math import log

from clipmill.samples.captions.camera import CameraMoves
from clipmill.samples.captions.headings import Heading, heading_of
from clipmill.samples.captions.moves import ObjectMoves
from clipmill.samples.captions.places import (
    heading_words,
    place_words,
    side_words,
    span_words,
    way_words,
)

MOVED = 0.08
"""Reach, in longer sides of the picture, from which a direction is told."""

STAYED = 0.05
"""Reach below which an object stays where it is."""

_SEEN = 0.6
"""Least share of the frames in which an object must be seen for its motion to be told."""

_STIRS = 0.3
"""Object sizes per second from which an object that stays in place moves there."""

_MORE = 3.0
"""Times as far against the background as in the picture: the camera takes the motion up."""

_SLOW, _FAST = 0.05, 0.3
"""Longer sides per second below and above which motion is slow and quick."""

_GROWS, _NEARS = log(1.25), log(1.6)
"""Growth from which an object becomes larger, and from which it comes closer."""

_SMALL, _SMALL_BOX, _LARGE, _FILLS = 0.02, 0.06, 0.2, 0.5
"""Shares of the frame: of a mask, but `_SMALL_BOX` of the largest box of a small object."""

_PASSES = "the background passes"

Way = tuple[int, int]


@dataclass(frozen=True)
class Told:
    """An object in words.

    Attributes:
        name: `a large dog`, without what it does.
        does: `moves to the left, becoming larger in the frame`.
        led: Direction in which it moves against the background while it stays in the picture:
            what a camera follows; None otherwise.
        against: Whether it is told of against the background that passes.
    """

    name: str
    does: str
    led: Way | None = None
    against: bool = False


def tell(moves: ObjectMoves, camera: CameraMoves | None, *, another: bool) -> Told:
    """Put an object into words.

    Args:
        moves: What was measured.
        camera: What the camera does; None where that is not known.
        another: Whether an object of the same class was told of before.
    """
    still = camera is not None and camera.is_still
    does, led = _motion(moves, still=still, turns_only=camera is not None and camera.turns_only)
    return Told(
        name=_name(moves, another=another),
        does=does + _growth(moves, still=still) + _exit(moves),
        led=led,
        against=_PASSES in does,
    )


def noun_of(moves: ObjectMoves) -> str:
    """Return the class, `subject` where it is not known."""
    return "subject" if moves.class_name == "object" else moves.class_name


def _name(moves: ObjectMoves, *, another: bool) -> str:
    large = moves.area >= _LARGE and moves.extent[0] >= _LARGE
    small = moves.area < _SMALL and moves.extent[1] < _SMALL_BOX
    size = "large " if large else "small " if small else ""
    words = f"{size}{noun_of(moves)}"
    if another:
        return f"another {words}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _motion(moves: ObjectMoves, *, still: bool, turns_only: bool) -> tuple[str, Way | None]:
    seen = heading_of(moves.x, moves.y, least=MOVED)
    own = seen if still else _own(moves)
    start = f"starts out {_at(moves)}"
    if moves.seen < _SEEN:
        return start, None
    if own is not None and own != seen and turns_only and _camera_takes_it_up(moves):
        words = f"{_verb(moves)} {heading_words(own)}"
        rest = f" and stays {_at(moves)}" if seen is None and moves.sure else ""
        return words + rest, own.ways[0] if own.kind == "one way" else None
    if not moves.sure:
        return start, None
    if seen is None:
        return _in_place(moves) + _behind(moves, own), None
    return _in_picture(moves, seen, itself=own == seen and (still or turns_only)), None


def _own(moves: ObjectMoves) -> Heading | None:
    """Return the direction against the background; None where there is no clear one."""
    if moves.own_x is None or moves.own_y is None:
        return None
    own = heading_of(moves.own_x, moves.own_y, least=MOVED)
    return None if own is None or own.kind == "unclear" else own


def _camera_takes_it_up(moves: ObjectMoves) -> bool:
    """Whether the object goes much further against the background than in the picture."""
    if moves.own_x is None or moves.own_y is None:
        return False
    own = max(moves.own_x.reach, moves.own_y.reach)
    return own >= _MORE * max(moves.x.reach, moves.y.reach)


def _in_place(moves: ObjectMoves) -> str:
    if max(moves.x.reach, moves.y.reach) >= STAYED:
        return f"is {_at(moves)}"
    return f"moves on the spot {_at(moves)}" if moves.stir >= _STIRS else f"stays {_at(moves)}"


def _behind(moves: ObjectMoves, own: Heading | None) -> str:
    """Say how the background passes; whether it or the object moves is not known."""
    if own is None or not _camera_takes_it_up(moves):
        return ""
    way = ""
    if own.kind == "one way":
        across, down = own.ways[0]
        way = f" {way_words((-across, -down))}"
    return f" while {_PASSES}{way} behind it"


def _along(moves: ObjectMoves, heading: Heading, verb: str) -> str:
    if heading.kind == "one way" and 0 in heading.ways[0]:
        span = span_words(moves.start, moves.end, heading.ways[0], moves.span)
        if span:
            return f"{verb} {span}"
    return f"{verb} {heading_words(heading)}"


def _in_picture(moves: ObjectMoves, heading: Heading, *, itself: bool) -> str:
    """Tell where an object goes in the picture, by itself or in whatever way."""
    if heading.kind == "unclear":
        return f"moves about in the frame, starting {_at(moves)}"
    words = _along(moves, heading, _verb(moves) if itself else "shifts")
    return words if itself or "of the frame" in words else f"{words} in the frame"


def _verb(moves: ObjectMoves) -> str:
    if moves.speed is None:
        return "moves"
    middle, high = moves.speed
    return "moves quickly" if middle > _FAST else "moves slowly" if high < _SLOW else "moves"


def _at(moves: ObjectMoves) -> str:
    if moves.area >= _FILLS:
        return "in view, filling much of the frame"
    return place_words(moves.start, moves.span)


def _growth(moves: ObjectMoves, *, still: bool) -> str:
    growth = moves.growth
    if moves.seen < _SEEN or growth is None or not growth.is_one_way:
        return ""
    size = abs(growth.way)
    if size < _GROWS:
        return ""
    if still and size >= _NEARS:
        return ", coming closer" if growth.way > 0 else ", going away"
    return f", becoming {'larger' if growth.way > 0 else 'smaller'} in the frame"


def _exit(moves: ObjectMoves) -> str:
    if not moves.exit_at:
        return ""
    side = f" {side_words(moves.exit_side)}" if moves.exit_side else ""
    back = ", and comes back" if moves.returns else ""
    return f", then leaves the frame{side}{_when(moves.exit_at)}{back}"


def _when(share: float) -> str:
    if share < 0.3:
        return " early on"
    return " halfway through" if 0.4 <= share <= 0.6 else " near the end" if share > 0.8 else ""
