"""Measured facts of an anchor as one plain English paragraph."""

from collections.abc import Sequence
from math import hypot

from clipmill.annotations.objects.schema import DetectedObject

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

SMALL, LARGE = 0.05, 0.2
"""Below and from these shares of the frame an object is called small and large."""

SLOW, FAST = 0.003, 0.01
"""Motion in frame diagonals per frame below and from which it is called slow and fast."""

DESCRIBED = 3
"""Objects described one by one; more are only counted."""


def describe(objects: Sequence[DetectedObject], *, width: int, height: int) -> str:
    """Return a paragraph about the objects of one anchor, the largest first.

    Args:
        objects: What was found, largest first; may be empty.
        width: Source pixels; the objects' boxes are in them.
        height: Source pixels.
    """
    if not objects:
        return "A scene in which no object moves on its own."
    parts = [_part(item, width=width, height=height) for item in objects[:DESCRIBED]]
    if len(objects) == 1:
        return _sentence(parts[0])
    verb = "move through" if all(item.motion is not None for item in objects) else "are in"
    rest = len(objects) - len(parts)
    if rest:
        parts.append("another one" if rest == 1 else f"{_count(rest)} others")
    return _sentence(
        f"{_count(len(objects))} {_plural(objects)} {verb} the scene: {_joined(parts)}"
    )


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _part(item: DetectedObject, *, width: int, height: int) -> str:
    """Return e.g. `a large dog moves quickly from the left side of the frame`."""
    noun = _with_article(f"{_size(item.area)} {item.class_name}".strip())
    place = _place((item.box[0] + item.box[2]) / 2 / width)
    if item.motion is None:
        return f"{noun} is {'in' if place == 'centre' else 'on'} {_named(place)}"
    pace = _pace(item.motion / hypot(width, height))
    return f"{noun} moves{pace}, starting {'in' if place == 'centre' else 'on'} {_named(place)}"


def _size(area: float) -> str:
    if area >= LARGE:
        return "large"
    return "small" if area < SMALL else ""


def _place(x: float) -> str:
    if x < 1 / 3:
        return "left"
    return "right" if x > 2 / 3 else "centre"


def _named(place: str) -> str:
    return "the centre of the frame" if place == "centre" else f"the {place} side of the frame"


def _pace(speed: float) -> str:
    if speed >= FAST:
        return " quickly"
    return " slowly" if speed < SLOW else ""


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _plural(objects: Sequence[DetectedObject]) -> str:
    """Name the objects together; `object` is the word for any mixture."""
    names = {item.class_name for item in objects}
    # English plurals of class names are irregular (person, bus, sheep): only the safe one is used.
    return "objects" if names == {"object"} else "things"


def _joined(parts: Sequence[str]) -> str:
    return f"{'; '.join(parts[:-1])}; and {parts[-1]}" if len(parts) > 1 else parts[0]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
