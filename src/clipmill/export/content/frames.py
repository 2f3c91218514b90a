"""The pictures of an exported sample, decoded once and given one by one."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from clipmill.export.content.sample import ExportSample
from clipmill.video import FrameSize, VideoReader


def frames_of(sample: ExportSample) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the T frames of a sample: uint8 [H, W, 3] RGB, scaled and cut.

    Only the source frames between the first and the last shown one are decoded (and those back
    to the key frame before), each once; a repeated frame is the same array again.

    Raises:
        VideoError: The video is missing, was changed since it was listed, or cannot be decoded.
    """
    shown = sample.timeline.shown
    step = _step(shown)
    size = FrameSize(*sample.placement.scaled)
    number = 0
    with VideoReader(
        sample.origin.uri, index=sample.index, expected_size_bytes=sample.size_bytes
    ) as reader:
        passes = reader.stream(int(shown[0]), int(shown[-1]) + 1, sizes={"rgb": size}, step=step)
        for frame in passes:
            if frame.index != shown[number]:
                continue
            image = np.ascontiguousarray(sample.placement.crop(frame.images["rgb"]))
            while number < len(shown) and shown[number] == frame.index:
                yield image
                number += 1


def _step(shown: npt.NDArray[np.int64]) -> int:
    """Return the even distance of the shown frames, so that those between are not converted."""
    steps = np.unique(np.diff(shown))
    return int(steps[0]) if len(steps) == 1 and steps[0] > 0 else 1
