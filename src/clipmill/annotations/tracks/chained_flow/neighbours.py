"""Where a hidden point probably is: it moves as its visible neighbours on the thing do.

Method: a similarity in the least-squares sense (Umeyama, 1991), weighed by closeness at the
anchor, as in moving least squares (Schaefer et al., SIGGRAPH 2006).
"""

import numpy as np

from clipmill.vision.arrays import Flags, Floats

_NEAR = 0.35  # of the thing's size
_MOST_SCALE = 3.0


def predict(anchor: Floats, here: Floats, seen: Flags) -> tuple[Floats, Floats]:
    """Predict every point from the others that are seen.

    Args:
        anchor: float [N, 2], places at the anchor.
        here: float [N, 2], places now; those that are not seen are ignored.
        seen: bool [N], at least one True.

    Returns:
        Places float [N, 2], and the linear part of each point's similarity, float [N, 2, 2].
    """
    size = max(float(np.ptp(anchor, axis=0).max(initial=0.0)), 1.0)
    known, now = anchor[seen], here[seen]
    apart = np.linalg.norm(anchor[:, None] - known[None], axis=2) / (_NEAR * size)
    weights = np.exp(-(apart**2)) + 1e-3
    # What a point says of itself is no evidence of where it should be.
    if seen.sum() > 1:
        weights[np.flatnonzero(seen), np.arange(len(known))] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    from_middle, to_middle = weights @ known, weights @ now
    a = known[None] - from_middle[:, None]
    b = now[None] - to_middle[:, None]
    power = (weights * (a**2).sum(axis=2)).sum(axis=1) + (0.02 * size) ** 2
    # With few neighbours the thing is taken not to turn: a little of the identity in everything.
    cosine = (weights * (a * b).sum(axis=2)).sum(axis=1) + (0.02 * size) ** 2
    sine = (weights * (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])).sum(axis=1)
    cosine, sine = cosine / power, sine / power
    scale = np.hypot(cosine, sine)
    fit = np.clip(scale, 1 / _MOST_SCALE, _MOST_SCALE) / np.maximum(scale, 1e-9)
    cosine, sine = cosine * fit, sine * fit
    linear = np.stack([np.stack([cosine, -sine], axis=1), np.stack([sine, cosine], axis=1)], axis=1)
    places = to_middle + np.einsum("nij,nj->ni", linear, anchor - from_middle)
    return places, linear
