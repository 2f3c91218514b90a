"""Frames of samples, decoded with the frame index that the workspace keeps."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from clipmill.errors import ClipmillError
from clipmill.pipeline.last import last_run
from clipmill.store.workspace import Workspace
from clipmill.canvas.placement import Placement
from clipmill.video import FrameIndex, FrameSize, VideoReader


class VideoFiles:
    """Opens videos by id; knows their frame index and size when the workspace does.

    Args:
        workspace: The workspace.
        video_ids: bytes [n], video of each sample.
    """

    def __init__(self, workspace: Workspace, video_ids: npt.NDArray[np.bytes_]) -> None:
        self.sizes: npt.NDArray[np.int64] = np.full(len(video_ids), -1, np.int64)
        self._probe: Any = None
        try:
            run = last_run(workspace)
        except ClipmillError as error:
            warnings.warn(
                f"frame indices of {workspace.root} cannot be used, so every video is indexed "
                f"again whenever it is read: {error}",
                stacklevel=4,
            )
            return
        if run is None:
            return
        context, listing = run
        if "probe" in context.stages:
            self._probe = context.stages["probe"].table
        sizes = {video.video_id.encode(): video.size_bytes for video in listing.videos}
        self.sizes = np.array([sizes.get(bytes(v), -1) for v in video_ids], np.int64)

    def frame_index(self, video_id: str) -> FrameIndex | None:
        """Return the stored index of a video; None when there is none."""
        if self._probe is None:
            return None
        row = self._probe.read([video_id]).get(video_id)
        return None if row is None else FrameIndex.from_bytes(row.index)

    def read(
        self, uri: str, *, video_id: str, size_bytes: int, frames: range, placement: Placement
    ) -> torch.Tensor:
        """Decode frames into the placement's target.

        Only these frames are converted, and only they and those back to the key frame before
        the first are decoded.

        Returns:
            float32 [len(frames), 3, H, W], RGB in [-1, 1].

        Raises:
            VideoError: The file is missing, was changed, or cannot be decoded.
        """
        width, height = placement.target
        video = torch.empty((len(frames), 3, height, width))
        with VideoReader(
            uri,
            index=self.frame_index(video_id),
            expected_size_bytes=None if size_bytes < 0 else size_bytes,
        ) as reader:
            size = FrameSize(*placement.scaled)
            passes = reader.stream(
                frames.start, frames[-1] + 1, sizes={"rgb": size}, step=frames.step
            )
            for place, frame in zip(video, passes, strict=True):
                image = torch.from_numpy(placement.crop(frame.images["rgb"]))
                place.copy_(image.permute(2, 0, 1))
        return video.div_(127.5).sub_(1.0)
