"""The one decode that all shot detectors need."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from clipmill.annotations.base import ClipInput
from clipmill.annotations.shots.frames.pictures import PictureChecks
from clipmill.video import FrameSize
from clipmill.video.errors import IndexMismatchError


def frames_that_decode(
    item: ClipInput, size: FrameSize, checks: PictureChecks
) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the clip's frames at one size, and end quietly where the file ends too early.

    A file that holds fewer frames than its index says still has shots up to there; the caller
    counts the frames and the split step cuts the last shot. This is the only stage that may let
    such a file pass, since it is the one that records how many frames there are.

    Args:
        item: The clip.
        size: Small, RGB.
        checks: Is given every frame.

    Raises:
        IndexMismatchError: Not one frame of the clip decodes.
        ClipError: Any other fault of the file.
    """
    given = 0
    with item.open() as reader:
        try:
            for frame in reader.stream(item.clip.start, item.clip.end, sizes={"small": size}):
                image = frame.images["small"]
                checks.add(image, damaged=frame.damaged)
                yield image
                given += 1
        except IndexMismatchError:
            if not given:
                raise
