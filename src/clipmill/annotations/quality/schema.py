"""Image quality measures, each under its own name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TextBoxes:
    """Where text was found in one frame.

    Attributes:
        index: Frame, counted from the clip's start.
        corners: `encode_array` int32 [N, 4, 2], N from 1 to `found_text.MOST_BOXES`: x, y of the
            corners of each box, x right, y down, in source pixels, rounded; clockwise from the top
            left as the text is read. Corners lie on the edges of pixels: an upright box covers
            the pixels x0 <= x < x1 and y0 <= y < y1. Slanted ones may reach out of the frame.
    """

    index: int
    corners: bytes


@dataclass(frozen=True)
class QualityRow:
    """Means over the sampled frames; None where the backend does not measure it.

    Attributes:
        text_area: Share of the frame inside detected text boxes (shoelace area), about [0, 1].
        num_text_boxes: Mean number of text boxes.
        clarity: Variance of the Laplacian (3x3 kernel 0 1 0 / 1 -4 1 / 0 1 0, float64,
            reflected border) of the FIRST frame in grey, at source size. >= 0.
        exposure: Mean luma in [0, 1].
        contrast: Standard deviation of luma, in [0, 0.5].
        colorfulness: Hasler and Suesstrunk, 2003, on 8-bit RGB; about 0 (grey) to 110.
        noise: Estimated noise standard deviation in 8-bit grey levels (Immerkaer, 1996).
        blockiness: Excess of gradients on the 8x8 grid over the others; about 0 when clean.
        entropy: Shannon entropy of the luma histogram in bits, [0, 8].
        image_quality: CLIP-IQA+ score, [0, 1].
        aesthetic: NIMA score, about [1, 10].
        complexity: IC9600 score, [0, 1].
        frames: Sampled frame indices, counted from the clip's start.
        text_boxes: The sampled frames in which text was found, in order, each once; empty where
            none was. None where text is not looked for, and in rows of earlier versions.
    """

    text_area: float | None
    num_text_boxes: float | None
    clarity: float | None
    exposure: float | None
    contrast: float | None
    colorfulness: float | None
    noise: float | None
    blockiness: float | None
    entropy: float | None
    image_quality: float | None
    aesthetic: float | None
    complexity: float | None
    frames: tuple[int, ...]
    text_boxes: tuple[TextBoxes, ...] | None = None
