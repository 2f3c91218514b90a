"""Text boxes as rows keep them: few, in whole source pixels."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clipmill.annotations.quality.measures.text import polygon_area
from clipmill.annotations.quality.schema import TextBoxes
from clipmill.store.codecs import encode_array

MOST_BOXES: Final = 64
"""Boxes of a frame that are kept, the largest: a page of print has thousands."""


def boxes_by_frame(
    places: Sequence[int], found: Sequence[Sequence[npt.NDArray[Any]]]
) -> tuple[TextBoxes, ...]:
    """Return the boxes of a clip's looked-at frames.

    Args:
        places: Clip indices of the frames; a very short clip repeats some.
        found: For each of them the corners of its boxes, [4, 2] each, x, y in source pixels.

    Returns:
        One entry per distinct frame with text, in the order of the frames.
    """
    of_frame = dict(zip(places, found, strict=True))
    return tuple(
        TextBoxes(index=index, corners=encode_array(_whole(of_frame[index])))
        for index in sorted(of_frame)
        if len(of_frame[index])
    )


def _whole(boxes: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.int32]:
    """Round the corners of the largest boxes, which stay in their order: int32 [N, 4, 2]."""
    areas = np.array([polygon_area(np.asarray(box, np.float64)) for box in boxes])
    largest = np.sort(np.argsort(-areas, kind="stable")[:MOST_BOXES])
    return np.rint(np.stack([boxes[place] for place in largest])).astype(np.int32)
