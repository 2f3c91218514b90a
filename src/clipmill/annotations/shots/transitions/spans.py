"""Where a transition begins and ends."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.transitions.blends import Blend
from clipmill.annotations.shots.transitions.pairs import FramePairs

_LEAST_MISMATCH = 0.45
_LEAST_CHANGED = 0.6
"""Between the frames around a dissolve, as of `FramePairs`: another scene in all of the picture.

An object that comes or goes, a title and light that dims fit a mixture just as well."""


@dataclass(frozen=True)
class Transition:
    """Frames that belong to no shot, half-open; none for a hard cut.

    Attributes:
        first: First frame that is not purely of the old shot.
        last: First frame that is purely of the new shot; `first` for a hard cut.
        at: The frame that stands for it: the hard cut, also where a fade leads to one or away
            from one; the plainest frame between two fades; otherwise the middle.
        evidence: 1 is just enough.
    """

    first: int
    last: int
    at: int
    evidence: float

    @property
    def gradual(self) -> bool:
        """Whether it has frames of its own."""
        return self.last > self.first


def gradual_transitions(blends: Iterable[Blend], pairs: FramePairs) -> list[Transition]:
    """Keep one window per dissolve, the one with the largest change, and measure its span.

    Returns:
        Transitions that do not overlap, ascending.
    """
    chosen: list[Transition] = []
    for blend in sorted(blends, key=lambda b: (-b.evidence * b.distance, b.before, b.after)):
        if any(blend.before < other.last and other.first < blend.after for other in chosen):
            continue
        if _is_new_scene(blend, pairs):
            chosen.append(_span(blend, pairs.frames.colour))
    return sorted(chosen, key=lambda transition: transition.first)


def _is_new_scene(blend: Blend, pairs: FramePairs) -> bool:
    # At its ends a fade may be all but plain, with the picture still to be made out; a frame
    # further, it is not.
    around = [
        (blend.before, blend.after),
        (max(0, blend.before - 1), min(len(pairs) - 1, blend.after + 1)),
    ]
    changed = max(pairs.changed(*frames) for frames in around)
    return changed >= _LEAST_CHANGED and (
        max(pairs.mismatch(*frames) for frames in around) >= _LEAST_MISMATCH
    )


def _span(blend: Blend, colour: npt.NDArray[np.float32]) -> Transition:
    """Fit a ramp to the mixture within a window: level, rising, level."""
    frames = np.arange(blend.before, blend.after + 1)
    vectors = colour[frames].reshape(len(frames), -1)
    line = vectors[-1] - vectors[0]
    x = (vectors - vectors[0]) @ line / max(float(line @ line), 1e-6)
    x -= x.mean()
    reach = len(frames) // 3
    best, found = -1.0, (blend.before, blend.after)
    for low in range(blend.before, blend.before + reach + 1):
        for high in range(max(low + 1, blend.after - reach), blend.after + 1):
            ramp = np.clip((frames - low) / (high - low), 0, 1)
            ramp -= ramp.mean()
            explained = float(ramp @ x) ** 2 / float(ramp @ ramp)
            if explained > best:
                best, found = explained, (low, high)
    first, last = found[0] + 1, found[1]
    return Transition(first, last, (first + last) // 2, blend.evidence)
