"""Transitions that are parts of one: into black and out of it again."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.transitions.spans import Transition

_EASED = 0.1
"""Share of its length by which a transition is extended on both sides: one that eases in and out
has begun before an even ramp through it does."""
_PLAIN = 0.1
"""Share of the detail of the pictures around below which frames show nothing."""
_NEARLY_PLAIN = 0.35
"""The same for a few frames between two fades, which need not reach black."""
_FEW = 12
_BLINK = 8
"""Frames of black between two hard cuts that make one transition; more are a shot of their own."""


def joined(transitions: Iterable[Transition], energy: npt.NDArray[np.float64]) -> list[Transition]:
    """Join transitions between which there is no shot, and extend fades over black at the ends.

    Args:
        transitions: In any order.
        energy: float64 [T], mean squared detail of the frames.

    Returns:
        Ascending, without overlap. One that begins at frame 0 opens the clip, one that ends with
        its last frame closes it.
    """
    result: list[Transition] = []
    extended = [_extended(item, len(energy)) for item in transitions]
    for item in sorted(extended, key=lambda one: (one.first, one.last)):
        if result and _belong_together(result[-1], item, energy):
            result[-1] = _join(result[-1], item, energy)
        else:
            result.append(item)
    if result and result[-1].gradual:
        result[-1] = _closing(result[-1], energy)
    return _opened(result, energy)


def _extended(item: Transition, end: int) -> Transition:
    extra = round(_EASED * (item.last - item.first))
    # Frame 0 and the last one stay out: with them it would open or close the clip.
    first, last = max(1, item.first - extra), min(end - 1, item.last + extra)
    return replace(item, first=first, last=last)


def _belong_together(one: Transition, other: Transition, energy: npt.NDArray[np.float64]) -> bool:
    between = energy[one.last : other.first]
    sides = min(energy[max(0, one.first - 1)], energy[min(other.last, len(energy) - 1)])
    detail = float(between.max(initial=0)) / max(float(sides), 1e-6)
    if not one.gradual and not other.gradual:
        return len(between) <= _BLINK and detail <= _PLAIN
    # With no more than two frames between them there is no shot either.
    return len(between) <= 2 or detail <= (_NEARLY_PLAIN if len(between) <= _FEW else _PLAIN)


def _join(one: Transition, other: Transition, energy: npt.NDArray[np.float64]) -> Transition:
    first, last = one.first, max(one.last, other.last)
    hard = [item.at for item in (other, one) if item.at in (item.first, item.last)]
    at = hard[0] if hard else first + int(np.argmin(energy[first:last]))
    return Transition(first, last, at, max(one.evidence, other.evidence))


def _opened(items: list[Transition], energy: npt.NDArray[np.float64]) -> list[Transition]:
    """Extend the first fade from black to the clip's first frame; nothing before it counts."""
    for number, item in enumerate(items):
        shown = _PLAIN * energy[min(item.last, len(energy) - 1)]
        if item.gradual and energy[: item.first].max(initial=0) <= shown:
            return [replace(item, first=0), *items[number + 1 :]]
    return items


def _closing(item: Transition, energy: npt.NDArray[np.float64]) -> Transition:
    shown = _PLAIN * energy[max(0, item.first - 1)]
    black = energy[item.last :].max(initial=0) <= shown
    return replace(item, last=len(energy)) if black else item
