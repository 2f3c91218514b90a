"""Frames of samples as tensors."""

import cv2
import numpy as np
import numpy.typing as npt
import torch

from clipmill.canvas.placement import Placement
from clipmill.training.reading.stored import StoredSample
from clipmill.video import FrameSize, VideoReader

_LEVELS = (torch.arange(256) / 127.5 - 1).numpy()
"""What every 8-bit level is in [-1, 1]."""


def empty_pictures(*shape: int) -> npt.NDArray[np.float32]:
    """Return uninitialised memory for pictures.

    Large arrays of numpy lie in huge pages where the system has them; those of torch do not, and
    their first use costs as much as filling them four times.
    """
    return np.empty(shape, np.float32)


def read_video(sample: StoredSample, *, frames: range, placement: Placement) -> torch.Tensor:
    """Decode frames into the placement's target.

    Only these frames are converted, and only they and those back to the key frame before the
    first are decoded.

    Args:
        sample: The sample.
        frames: From the start of the video.
        placement: From source pixels to those of the result.

    Returns:
        float32 [len(frames), 3, H, W], RGB in [-1, 1].

    Raises:
        VideoError: The file is missing, was changed, or cannot be decoded.
    """
    width, height = placement.target
    video = empty_pictures(len(frames), 3, height, width)
    planes = np.empty((3, height, width), np.uint8)
    size = FrameSize(*placement.scaled)
    with VideoReader(
        sample.uri, index=sample.frame_index, expected_size_bytes=sample.size_bytes
    ) as reader:
        passes = reader.stream(frames.start, frames[-1] + 1, sizes={"rgb": size}, step=frames.step)
        for picture, frame in zip(video, passes, strict=True):
            cv2.split(placement.crop(frame.images["rgb"]), tuple(planes))
            for plane, out in zip(planes, picture, strict=True):
                cv2.LUT(plane, _LEVELS, dst=out)
    return torch.from_numpy(video)
