"""Measures of single frames that need no model. Each is finite for any frame, a constant one too.

Grey is OpenCV's luma, 0.299 R + 0.587 G + 0.114 B, rounded to uint8.
"""

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]


def grey_of(frame: npt.NDArray[np.uint8]) -> Grey:
    """Return the luma of an RGB frame: uint8 [H, W, 3] to uint8 [H, W]."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def clarity(grey: Grey) -> float:
    """Return the variance of the Laplacian (Pech-Pacheco et al., 2000), 8-bit levels squared.

    Kernel 0 1 0 / 1 -4 1 / 0 1 0, float64, border reflected without its edge. It grows with
    detail and with noise, and falls with resolution: compare clips of like size.
    """
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def exposure(grey: Grey) -> float:
    """Return the mean luma in [0, 1]."""
    return float(grey.mean() / 255)


def contrast(grey: Grey) -> float:
    """Return the root-mean-square contrast (Peli, 1990): deviation of luma, in [0, 0.5]."""
    return float(grey.std() / 255)


def colorfulness(frame: npt.NDArray[np.uint8]) -> float:
    """Return the colourfulness M3 of Hasler and Suesstrunk, 2003; 0 is grey, about 110 extreme."""
    red, green, blue = (frame[..., channel].astype(np.float32) for channel in range(3))
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def noise(grey: Grey) -> float:
    """Return the standard deviation of the noise (Immerkaer, 1996), 8-bit levels.

    The mask cancels planes and edges of constant slope, so what is left is taken for noise; fine
    texture raises it.
    """
    height, width = grey.shape
    if height < 3 or width < 3:
        return 0.0
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = cv2.filter2D(grey, cv2.CV_32F, mask)[1:-1, 1:-1]
    return float(np.sqrt(np.pi / 2) * np.abs(response).mean(dtype=np.float64) / 6)


def blockiness(grey: Grey) -> float:
    """Return how much stronger steps are across the borders of 8x8 blocks than elsewhere.

    The blockiness of Wang, Sheikh and Bovik, 2002, relative to the steps inside of blocks:
    (border - inside) / (inside + 1), averaged over both directions; the 1 (an 8-bit level) keeps
    flat pictures finite. About 0 when clean. It sees only blocks in the picture's own grid: a
    rescaled picture hides them.
    """
    values = [_block_excess(grey), _block_excess(grey.T)]
    return float(np.mean(values))


def _block_excess(grey: Grey) -> float:
    steps = np.abs(np.diff(grey.astype(np.int16), axis=1)).mean(axis=0)
    border = np.arange(len(steps)) % 8 == 7
    if not border.any():
        return 0.0
    return float((steps[border].mean() - steps[~border].mean()) / (steps[~border].mean() + 1))


def entropy(grey: Grey) -> float:
    """Return the Shannon entropy of the luma histogram, bits, in [0, 8]."""
    share = np.bincount(grey.ravel(), minlength=256) / grey.size
    share = share[share > 0]
    return float(max(0.0, -(share * np.log2(share)).sum()))
