"""Perceptual hashes of a clip's pictures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HashesRow:
    """Hashes of frames, evenly spaced in time, but for those that show nothing.

    A hash has 64 bits, one for each of the lowest frequencies of the picture: whether it is there
    with a plus or a minus. Copies of a picture differ in few of them, other pictures in about half.

    Attributes:
        hashes: `encode_array` int64 [F, V]: of each frame the hashes of its views, the whole
            picture first, then parts of it, which a cropped copy may show. Black bars are cut off
            before.
        motion: `encode_array` int64 [F, V]: hashes of what has changed since the frame before; 0
            where too little has, or that frame shows nothing.
        times: `encode_array` float32 [F]: time of each frame, from the clip's start.
        num_hashes: F; 0 for a clip that shows nothing.
        bars: Share of the picture, 0..1, under the bars that were cut off.
    """

    hashes: bytes
    motion: bytes
    times: bytes
    num_hashes: int
    bars: float
