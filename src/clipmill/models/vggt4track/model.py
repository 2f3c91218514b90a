"""The whole network."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from clipmill.models.vggt4track.aggregator import Aggregator
from clipmill.models.vggt4track.camera_head import CameraHead
from clipmill.models.vggt4track.config import VGGTConfig

UNUSED_KEYS = frozenset({"aggregator.patch_embed.mask_token", "depth_head.*"})
"""Keys of the published checkpoint that no camera depends on; `*` stands for anything."""


class VGGT4Track(nn.Module):
    """Cameras of all frames of a clip in one pass.

    The front end of SpatialTrackerV2 (Xiao et al., 2025), a VGGT (Wang et al., 2025), without its
    depth head, on which no camera depends.
    """

    def __init__(self, config: VGGTConfig) -> None:
        super().__init__()
        self.aggregator = Aggregator(config)
        self.camera_head = CameraHead(config)

    def forward(self, frames: Tensor, *, on_layer: Callable[[], None] | None = None) -> Tensor:
        """Estimate the cameras.

        Under autocast the camera head keeps to float32: it costs next to nothing, as it sees one
        token per frame, and takes a third off the rounding error of the poses.

        Args:
            frames: float [B, T, 3, H, W], RGB in [0, 1]; H and W multiples of 14, see
                `preprocess`.
            on_layer: Called after every layer; may raise to stop.

        Returns:
            Pose encodings, float32 [B, T, 9]; see `pose`.
        """
        for local, joined in self.aggregator.layers(frames):
            cameras = torch.cat([local[:, :, 0], joined[:, :, 0]], dim=-1)
            if on_layer is not None:
                on_layer()
        with torch.autocast(frames.device.type, enabled=False):
            return self.camera_head(cameras.float())[-1]
