"""Dissolves and fades: frames that are a mixture of a frame before and a frame after.

In a gradual transition from A to B, frame s is (1 - x) A + x B, with x rising from 0 to 1. Two
things follow that motion within a shot does not give: coarse colours lie on the line from A to B,
and the energy of fine detail sinks to (1 - x)^2 and x^2 of A's and B's, since their details have
nothing to do with each other. (Edges that vanish and appear: Zabih et al., "A feature-based
algorithm for detecting and classifying production effects", 1999; the parabola of variance:
Lienhart, "Reliable transition detection in videos", 2001.) A fade is a transition to or from a
plain picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.transitions.thumbnails import Thumbnails, fine_detail

LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 21, 24, 28, 32, 37, 42, 48)
"""Frames between A and B that are tried."""

_BLOCK = 256
"""Frames whose products are computed at once."""
_SHORT_AND_LONG = (8, 20)
"""Lengths that limits are given for."""
_LEAST_FIT = (0.5, 0.58)
"""Of short and of long windows. The longer a window, the more
often motion looks like mixing, and the more true mixtures suffer from it."""
_LEAST_DISTANCE = 2.5
"""8-bit levels (root mean square of coarse colours) between A and B."""
_MOST_ALIKE = 0.5
"""Correlation of the details of A and B; more is the same scene."""
_MOST_BESIDE = (0.16, 0.22)
"""Mean squared distance from the line from A to B, over that of A and B; a wipe has more."""
_MOST_BENT = 0.18
"""Deviation of x from an even ramp (root mean square); easing in and out has 0.1, a step 0.3."""
_LARGEST_STEP = 0.15
"""Change of x between two frames, beyond twice that of an even ramp; a hard cut has more."""

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int_]


@dataclass(frozen=True)
class Blend:
    """Frames between A and B that fit the mixture.

    Attributes:
        before: Frame A, from the clip's start.
        after: Frame B.
        evidence: How well they fit; at least 1.
        distance: 8-bit levels between the coarse colours of A and B.
    """

    before: int
    after: int
    evidence: float
    distance: float


@dataclass(frozen=True)
class Products:
    """Inner products of every frame with itself and those that follow, all that is asked of them.

    Attributes:
        colour: float64 [T, 50]: mean over values of colour[t] * colour[t + k].
        detail: float64 [T, 50]: the same of fine detail; the first column is its energy.
    """

    colour: Floats
    detail: Floats


def products_of(frames: Thumbnails) -> Products:
    """Compute the products block by block, so that detail of few frames is held at once."""
    reach = LENGTHS[-1] + 1
    colour = np.zeros((len(frames), reach + 1))
    detail = np.zeros((len(frames), reach + 1))
    for start in range(0, len(frames), _BLOCK):
        near = frames[start : start + _BLOCK + reach]
        _fill(colour[start : start + _BLOCK], near.colour.reshape(len(near), -1))
        _fill(detail[start : start + _BLOCK], fine_detail(near))
    return Products(colour, detail)


def _fill(products: Floats, vectors: npt.NDArray[np.float32]) -> None:
    square = vectors[: len(products)] @ vectors.T / vectors.shape[1]
    for k in range(min(products.shape[1], len(vectors))):
        diagonal = np.diagonal(square, k)
        products[: len(diagonal), k] = diagonal


def find_blends(products: Products) -> list[Blend]:
    """Return all windows that fit; they overlap, and a part of a dissolve is one too."""
    return [
        blend
        for length in LENGTHS
        if length + 2 <= len(products.colour)
        for blend in _of_length(length, products.colour, products.detail)
    ]


def _of_length(length: int, colour: Floats, detail: Floats) -> Iterator[Blend]:
    a = np.arange(len(colour) - length - 1)[:, None]
    s, b = a + 1 + np.arange(length), a + length + 1
    x, beside, distance = _mixture(colour, a, s, b)
    sunk, alike = _detail_drop(detail, a, s, b, np.clip(x, 0, 1))
    bent = np.sqrt(((x - np.arange(1, length + 1) / (length + 1)) ** 2).mean(1))
    least = np.interp(length, _SHORT_AND_LONG, _LEAST_FIT)
    evidence = (np.minimum(sunk, 1) - beside - bent) / least
    good = (evidence >= 1) & (distance >= _LEAST_DISTANCE) & (alike <= _MOST_ALIKE)
    good &= (beside <= np.interp(length, _SHORT_AND_LONG, _MOST_BESIDE)) & (bent <= _MOST_BENT)
    good &= _largest_step(x) <= _LARGEST_STEP + 2 / (length + 1)
    for at in np.flatnonzero(good):
        yield Blend(int(at), int(at) + length + 1, float(evidence[at]), float(distance[at]))


def _mixture(products: Floats, a: Indices, s: Indices, b: Indices) -> tuple[Floats, Floats, Floats]:
    """Project frames s [N, L] onto the line from A [N, 1] to B [N, 1].

    Returns:
        x [N, L], 0 at A and 1 at B; the mean squared distance from the line, over that of A and
        B, [N]; the distance of A and B, root mean square, [N].
    """
    aa, bb, ab, ss = products[a, 0], products[b, 0], products[a, b - a], products[s, 0]
    sa, sb = products[a, s - a], products[s, b - s]
    square = np.maximum(aa + bb - 2 * ab, 1e-6)
    x = (sb - sa - ab + aa) / square
    beside = np.maximum(ss - 2 * sa + aa - x**2 * square, 0) / square
    weight = _mixedness(np.clip(x, 0, 1))
    return x, (beside * weight).sum(1) / weight.sum(1), np.sqrt(square[:, 0])


def _detail_drop(
    products: Floats, a: Indices, s: Indices, b: Indices, x: Floats
) -> tuple[Floats, Floats]:
    """Compare the energy of detail with that of a mixture (1) and of pictures that move (0).

    Returns:
        The drop [N] and the correlation of A's and B's detail [N].
    """
    aa, bb, ab, ss = products[a, 0], products[b, 0], products[a, b - a], products[s, 0]
    weight = _mixedness(x)
    moving = (1 - x) * aa + x * bb
    expected = x * (1 - x) * (aa + bb - 2 * ab)
    drop = ((moving - ss) * weight).sum(1) / np.maximum((expected * weight).sum(1), 1e-6)
    return drop, (ab / np.sqrt(np.maximum(aa * bb, 1e-6)))[:, 0]


def _mixedness(x: Floats) -> Floats:
    """Weigh frames by how much they are of both; never nothing at all."""
    return x * (1 - x) + 1e-6


def _largest_step(x: Floats) -> Floats:
    """Return the largest change of x from one frame to the next, A and B included, [N]."""
    steps: Floats = np.diff(x, axis=1, prepend=0.0, append=1.0).max(axis=1)
    return steps
