"""What a file says of its colours, in ffmpeg's words, and what of it can be brought to BT.709.

Numbers are those of ITU-T H.273, which containers, codecs and libav share.
"""

PQ, HLG = 16, 18
"""Transfer functions of HDR: SMPTE ST 2084, ARIB STD-B67."""

UNKNOWN = "unknown"
"""The file says nothing; pictures are taken as ffmpeg takes them, with the matrix of BT.601."""

_TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    PQ: "smpte2084",
    17: "smpte428",
    HLG: "arib-std-b67",
}
_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
_MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
    15: "ipt-c2",
    16: "ycgco-re",
    17: "ycgco-ro",
}
_RANGES = {1: "tv", 2: "pc"}

_UNSPECIFIED = frozenset({0, 2})
"""Nothing is said (2), or a 0 that is reserved but for the matrix."""
_DISPLAYED = frozenset(_TRANSFERS) - {8, 9, 10, 17}
"""Transfer functions that screens show about as they are, and those of HDR; without linear light,
logarithms and the cinema's."""
_DECODED = frozenset({0, 1, 4, 5, 6, 7, 9})
"""Matrices that swscale knows."""
_WIDE = frozenset({9, 11, 12})
"""Primaries whose colours change when they are taken for those of BT.709: BT.2020 and P3."""


def transfer_name(number: int) -> str:
    """Return ffmpeg's name of a transfer function, `unknown` where the file names none."""
    return _TRANSFERS.get(number, UNKNOWN)


def primaries_name(number: int) -> str:
    """Return ffmpeg's name of primaries, `unknown` where the file names none."""
    return _PRIMARIES.get(number, UNKNOWN)


def matrix_name(number: int) -> str:
    """Return ffmpeg's name of a colour matrix, `unknown` where the file names none."""
    return _MATRICES.get(number, UNKNOWN)


def range_name(number: int) -> str:
    """Return `tv` (limited), `pc` (full) or `unknown`."""
    return _RANGES.get(number, UNKNOWN)


def colours_line(transfer: str, primaries: str, matrix: str, color_range: str) -> str:
    """Return the names of a file's colours in one line; `not named` where it names none."""
    named = {
        "transfer": transfer,
        "primaries": primaries,
        "matrix": matrix,
        "range": color_range,
    }
    words = [f"{kind} {name}" for kind, name in named.items() if name != UNKNOWN]
    return ", ".join(words) or "not named"


def is_converted(transfer: int, primaries: int) -> bool:
    """Whether pictures of such a file are brought to BT.709 when they are read."""
    return transfer in (PQ, HLG) or primaries in _WIDE


def is_convertible(transfer: int, primaries: int, matrix: int) -> bool:
    """Whether pictures of such a file, as they are read, show what was meant.

    That is not so for linear light and logarithms, X'Y'Z' of the cinema, and matrices other than
    those of RGB and Y'CbCr with non-constant luminance (ICtCp, YCgCo, constant luminance).
    """
    return (
        (transfer in _DISPLAYED or transfer in _UNSPECIFIED)
        and (primaries in _PRIMARIES or primaries in _UNSPECIFIED)
        and primaries != 10
        and (matrix in _DECODED or matrix in _UNSPECIFIED)
    )
