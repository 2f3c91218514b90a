"""Bringing HDR and wide colours to BT.709, as screens of standard dynamic range show them."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.video.pixels.colours import HLG, PQ, is_converted

SDR_WHITE = 203.0
"""Luminance in cd/m2 that becomes white: that of diffuse white in HDR (ITU-R BT.2408)."""
_PEAK = 1000.0
"""Luminance in cd/m2 that highlights are graded to; what is brighter is cut off."""
_GAMMA = 2.4
"""Of a screen in a dim room (ITU-R BT.1886)."""
_KNEE = 0.9
"""Signal of BT.709, 0..1, up to which nothing is compressed; highlights share the rest."""
_FULL = 255 << 8
"""White in the 16-bit RGB that swscale makes of Y'CbCr."""
_LEVELS = np.arange(1 << 16) / _FULL

_BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593])
_BT709_LUMA = np.array([0.2126, 0.7152, 0.0722])
_XY = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    # White stays white, so P3 with the cinema's white (11) and with that of D65 (12) are alike.
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""Chromaticities of red, green and blue by the number of their primaries."""
_D65 = (0.3127, 0.3290)


class ToneMap:
    """Maps RGB of an HDR or wide-gamut picture to 8-bit RGB of BT.709.

    Light of up to diffuse white (203 cd/m2) keeps its level to within the knee: what was graded
    for SDR and put into an HDR file comes out as it was. Highlights up to 1000 cd/m2 are
    compressed into what is left above the knee, all three channels by one factor, so that hues
    stay. Colours outside BT.709 are cut off at its border.

    Args:
        transfer: Number of the transfer function.
        primaries: Number of the primaries; HDR that names none has those of BT.2020.
    """

    def __init__(self, transfer: int, primaries: int) -> None:
        self._hlg = transfer == HLG
        self._hdr = transfer in (PQ, HLG)
        curves = {PQ: _pq_light, HLG: _hlg_light}
        self._light = curves.get(transfer, _sdr_light)().astype(np.float32)
        default = 9 if self._hdr else 1
        self._matrix = _to_bt709(primaries if primaries in _XY else default).astype(np.float32)

    def __call__(self, image: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
        """Return uint8 [H, W, 3], given uint16 [H, W, 3] RGB with white at 65280."""
        light = self._light[image]
        if self._hlg:
            # Of the scene; the screen raises bright parts (system gamma 1.2 at 1000 cd/m2).
            luma = light @ _BT2020_LUMA.astype(np.float32)
            light *= (_PEAK / SDR_WHITE * np.power(luma, 0.2))[..., None]
        linear = np.maximum(cv2.transform(light, self._matrix), 0)
        signal = cv2.pow(linear, 1 / _GAMMA)
        if self._hdr:
            _compress(signal)
        mapped: npt.NDArray[np.uint8] = np.rint(np.minimum(signal, 1) * 255).astype(np.uint8)
        return mapped


@cache
def tone_map_for(transfer: int, primaries: int) -> ToneMap | None:
    """Return how such pictures become BT.709; None where they stay as they are."""
    return ToneMap(transfer, primaries) if is_converted(transfer, primaries) else None


def gray_of(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the luma of BT.709, uint8 [H, W], of uint8 [H, W, 3] RGB."""
    luma = cv2.transform(image.astype(np.float32), _BT709_LUMA.astype(np.float32)[None])
    gray: npt.NDArray[np.uint8] = np.rint(luma).astype(np.uint8)
    return gray


def _pq_light() -> npt.NDArray[np.float64]:
    """Light of every 16-bit level of SMPTE ST 2084, in units of SDR white."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = np.minimum(_LEVELS, 1) ** (1 / m2)
    share = np.maximum(power - c1, 0) / (c2 - c3 * power)
    return np.asarray(share ** (1 / m1) * (10_000 / SDR_WHITE), np.float64)


def _hlg_light() -> npt.NDArray[np.float64]:
    """Light of the scene, 0..1, of every 16-bit level of ARIB STD-B67."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    levels = np.minimum(_LEVELS, 1)
    return np.where(levels <= 0.5, levels**2 / 3, (np.exp((levels - c) / a) + b) / 12)


def _sdr_light() -> npt.NDArray[np.float64]:
    """Light of every 16-bit level on a screen of BT.1886, 0..1."""
    return np.asarray(np.minimum(_LEVELS, 1) ** _GAMMA, np.float64)


def _compress(signal: npt.NDArray[np.float32]) -> None:
    """Shrink pixels [H, W, 3] whose largest channel is above the knee, in place.

    An extended Reinhard curve, of slope 1 at the knee; the peak becomes 1.
    """
    room = np.float32(1 - _KNEE)
    peak = np.float32(((_PEAK / SDR_WHITE) ** (1 / _GAMMA) - _KNEE) / (1 - _KNEE))
    largest = np.maximum(np.maximum(signal[..., 0], signal[..., 1]), signal[..., 2])
    places = np.nonzero(largest > _KNEE)
    over = (largest[places] - np.float32(_KNEE)) / room
    mapped = np.float32(_KNEE) + room * over * (1 + over / peak**2) / (1 + over)
    signal[places] *= (mapped / largest[places])[:, None]


def _to_bt709(primaries: int) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.solve(_to_xyz(1), _to_xyz(primaries)), np.float64)


def _to_xyz(primaries: int) -> npt.NDArray[np.float64]:
    """Return the matrix [3, 3] from linear RGB to XYZ in which RGB (1, 1, 1) is D65."""
    columns = np.array([_xyz(*xy) for xy in _XY[primaries]]).T
    scale = np.linalg.solve(columns, _xyz(*_D65))
    return columns * scale


def _xyz(x: float, y: float) -> npt.NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])
