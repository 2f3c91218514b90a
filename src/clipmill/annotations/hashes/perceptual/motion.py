"""Hashes of what changes: two clips of one fixed camera look alike and move differently."""

from typing import Final

import numpy as np
import numpy.typing as npt

from clipmill.annotations.hashes.perceptual.signs import Hashes, sign_hashes

STILL: Final = 2.0
"""Standard deviation in grey levels of a change below which it is the encoder's noise."""


def motion_hashes(pictures: npt.NDArray[np.float32], shown: npt.NDArray[np.bool_]) -> Hashes:
    """Return the hash of the change that leads to each picture.

    Args:
        pictures: float32 [F, V, 32, 32]: views of frames, in the order of time.
        shown: bool [F]: which of them show something.

    Returns:
        uint64 [F, V]; 0 for the first, and where too little changes to tell.
    """
    result = np.zeros(pictures.shape[:2], np.uint64)
    change = np.diff(pictures, axis=0)
    tells = (change.std(axis=(2, 3)) >= STILL) & (shown[1:] & shown[:-1])[:, None]
    result[1:][tells] = sign_hashes(change[tells])
    return result
