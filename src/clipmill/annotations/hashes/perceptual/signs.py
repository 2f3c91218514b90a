"""Hashes of pictures: the signs of their lowest frequencies.

The usual perceptual hash compares the frequencies of a discrete cosine transform with their
median. Here they are compared with zero, which is next to it, so that the hash of the mirrored
picture is known without the picture: each odd horizontal frequency changes its sign.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

SIDE: Final = 32
"""Pixels of a side of the pictures that are hashed; their shape says nothing then."""

BITS: Final = 64

FLAT: Final = 4.0
"""Standard deviation in grey levels below which a picture shows nothing that could be compared."""


def _frequencies() -> npt.NDArray[np.int64]:
    """Return the lowest frequencies but the mean, (vertical, horizontal), int64 [64, 2].

    Low ones survive best. Each eighth of the bits has as many of them as any other, first, so
    that copies are found by whichever eighth is the same.
    """
    places = [(v, h) for v in range(SIDE) for h in range(SIDE) if v + h]
    lowest = np.array(sorted(places, key=lambda p: (p[0] ** 2 + p[1] ** 2, p))[:BITS])
    return lowest.reshape(8, BITS // 8, 2).swapaxes(0, 1).reshape(BITS, 2)


_FREQUENCIES: Final = _frequencies()
_ANGLES: Final = np.pi / SIDE * np.outer(np.arange(_FREQUENCIES.max() + 1), np.arange(SIDE) + 0.5)
_BASIS: Final = np.cos(_ANGLES).astype(np.float32)
_WEIGHTS: Final = np.uint64(1) << np.arange(BITS, dtype=np.uint64)[::-1]

MIRROR: Final = np.uint64(_WEIGHTS[_FREQUENCIES[:, 1] % 2 == 1].sum())
"""`hash ^ MIRROR` is the hash of the picture's mirror image."""


def sign_hashes(pictures: npt.NDArray[np.float32]) -> Hashes:
    """Return the hashes of pictures.

    Args:
        pictures: float32 [..., 32, 32].

    Returns:
        uint64 [...].
    """
    waves = _BASIS @ pictures @ _BASIS.T
    signs = waves[..., _FREQUENCIES[:, 0], _FREQUENCIES[:, 1]] > 0
    return (signs * _WEIGHTS).sum(axis=-1, dtype=np.uint64)
