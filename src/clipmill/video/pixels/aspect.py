"""Pixels that are not square, as DVDs, DV and some phones have them."""

from fractions import Fraction

SQUARE = Fraction(1)

_MOST = Fraction(4)
"""A ratio beyond this, or below its inverse, is a mistake in the file."""
_SLIGHT = Fraction(1, 100)
"""Encoders that round a size to even pixels write ratios such as 640:639; it is not seen."""


def square_size(width: int, height: int, sample_aspect: Fraction) -> tuple[int, int]:
    """Return the size in square pixels of a picture as it is stored, before it is turned.

    The height stays and the width is stretched or squeezed, as ffmpeg's documentation has it
    (`scale=iw*sar:ih`). A ratio within 1 % of square changes nothing, nor does one that cannot be
    right.

    Args:
        width: Stored pixels.
        height: Stored pixels.
        sample_aspect: Width of a pixel over its height; 0 when the file names none.
    """
    slight = abs(sample_aspect - SQUARE) < _SLIGHT
    if slight or not 1 / _MOST <= sample_aspect <= _MOST:
        return width, height
    return max(1, round(width * sample_aspect)), height
