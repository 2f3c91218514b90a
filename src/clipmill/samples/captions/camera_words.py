"""The camera in words of film."""

from collections.abc import Iterator
from dataclasses import dataclass

from clipmill.samples.captions.camera import CameraMoves
from clipmill.samples.captions.course import Course

CAMERA = "the camera"
"""What words of film are said of; `the view` where turning and going sideways look the same."""

MOVED = 0.08
"""Reach of the view, in longer sides of the picture, from which a direction is told."""

_ALMOST = 3.0
"""Times the limits of a still camera within which it is almost still."""

_SECOND = 0.4
"""A second motion is told when it is at least this share of the first, each against its limit."""

_SLOW, _FAST = 0.04, 0.4
"""Speeds of the view, longer sides per second, below and above which it is slow and quick."""


@dataclass(frozen=True)
class _Term:
    """A motion of cameras.

    Attributes:
        course: What was measured.
        least: Reach from which it is told.
        verb: Its name; empty where it is not sure enough to be named.
        plus: Word for the direction of growing values.
        minus: Word for the other.
        both: Words for both in turn.
        alone: Whether it is told only where nothing reaches further: small errors of every step
            add up to a little zoom and roll.
    """

    course: Course
    least: float
    verb: str
    plus: str
    minus: str
    both: str
    alone: bool = False

    @property
    def weight(self) -> float:
        """Reach over the least that is told."""
        return self.course.reach / self.least

    @property
    def is_clear(self) -> bool:
        """Whether it can be told as one direction, two, or back and forth."""
        course = self.course
        clear = course.is_one_way or course.turn is not None or course.is_to_and_fro
        return self.weight >= 1 and clear

    def words(self) -> str:
        """Return `pans left`, `pans left, then right`, `pans left and right`."""
        course = self.course
        if course.is_to_and_fro:
            return f"{self.verb} {self.both}"
        ways = [self.plus if leg > 0 else self.minus for leg in course.turn or (course.way,)]
        return f"{self.verb} {', then '.join(ways)}"


def camera_words(moves: CameraMoves | None) -> str:
    """Return `the camera is still`, `the camera pans slowly left`; empty when nothing is known.

    Where a turn cannot be told from a way sideways it is the view that moves.
    """
    if moves is None:
        return ""
    if moves.is_still:
        return "the camera is still"
    terms = sorted(_terms(moves), key=lambda term: -term.weight)
    first = terms[0]
    if first.is_clear and first.verb:
        told = [t for t in terms[1:] if t.verb and t.is_clear and t.weight >= _second(t, first)]
        words = [_with_pace(term, moves) for term in (first, *told[:1])]
        subject = CAMERA if _is_sure(moves) else "the view"
        return f"{subject} {_joined(words)}"
    return _vaguely(moves, first)


def _vaguely(moves: CameraMoves, first: _Term) -> str:
    """Return what is left to say when nothing goes far, or goes in no clear way."""
    if not _is_sure(moves) or (first.alone and not first.is_clear and first.weight >= 1):
        return ""
    if moves.is_within(_ALMOST):
        return "the camera is almost still"
    return "the camera moves" if first.weight >= 1 else "the camera moves slightly"


def _second(term: _Term, first: _Term) -> float:
    return (1.0 if term.alone else _SECOND) * first.weight


def _joined(words: list[str]) -> str:
    """Join `moves to the left` and `moves up` without saying the verb twice."""
    verb = words[0].partition(" ")[0]
    rest = [words[0], *(text.removeprefix(f"{verb} ") for text in words[1:])]
    return (", and " if ", " in words[0] else " and ").join(rest)


def _is_sure(moves: CameraMoves) -> bool:
    """Whether turns are told apart from travel."""
    return moves.turns_only or moves.travels


def pans_with(moves: CameraMoves | None, way: tuple[int, int]) -> bool:
    """Whether the camera turns one way, and that way (x right, y down) only."""
    if moves is None or not moves.turns_only:
        return False
    courses = {0: moves.pan, 1: moves.tilt}
    signs = {0: way[0], 1: -way[1]}
    return all(
        courses[axis].reach >= MOVED
        and courses[axis].is_one_way
        and courses[axis].way * signs[axis] > 0
        for axis in (0, 1)
        if signs[axis]
    )


def _terms(moves: CameraMoves) -> Iterator[_Term]:
    if _is_sure(moves):
        yield _Term(moves.pan, MOVED, "pans", "right", "left", "left and right")
        yield _Term(moves.tilt, MOVED, "tilts", "up", "down", "up and down")
    else:
        yield _Term(moves.pan, MOVED, "moves", "to the right", "to the left", "from side to side")
        yield _Term(moves.tilt, MOVED, "moves", "up", "down", "up and down")
    zooms, rolls = ("zooms", "rolls") if moves.turns_only else ("", "")
    yield _Term(moves.zoom, 0.15, zooms, "in", "out", "in and out", alone=True)
    yield _Term(moves.roll, 10.0, rolls, "clockwise", "counter-clockwise", "to and fro", alone=True)
    if moves.dolly is not None and moves.truck is not None and moves.pedestal is not None:
        yield _Term(moves.dolly, 0.15, "dollies", "in", "out", "in and out")
        yield _Term(moves.truck, 0.15, "trucks", "right", "left", "left and right")
        yield _Term(moves.pedestal, 0.15, "pedestals", "up", "down", "up and down")


def _with_pace(term: _Term, moves: CameraMoves) -> str:
    if term.verb not in ("pans", "tilts", "moves") or not term.course.is_one_way:
        return term.words()
    speed = abs(term.course.way) / moves.seconds
    pace = "slowly " if speed < _SLOW else "quickly " if speed > _FAST else ""
    return term.words().replace(" ", f" {pace}", 1)
