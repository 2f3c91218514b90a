"""The whole network."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from clipmill.errors import UsageError
from clipmill.models.vggt4track.aggregator import SPECIAL, Aggregator
from clipmill.models.vggt4track.camera_head import CameraHead
from clipmill.models.vggt4track.config import PATCH, VGGTConfig
from clipmill.models.vggt4track.depth_head import DepthHead


def unused_keys(config: VGGTConfig) -> frozenset[str]:
    """Return the keys of the published checkpoint that no answer of a network depends on.

    Args:
        config: Sizes of the network.

    Returns:
        Patterns for `load_state_dict`; `*` stands for anything.
    """
    always = frozenset({"aggregator.patch_embed.mask_token"})
    return always if config.depth_head is not None else always | {"depth_head.*"}


@dataclass(frozen=True)
class ScenePrediction:
    """Cameras and dense depth of a clip.

    Attributes:
        encoding: Pose encodings, float32 [B, T, 9]; see `pose`.
        depth: Along the optical axis, in the unit of the translations, float32 [B, T, H, W].
        uncertainty: Of the depth, (0, 1), float32 [B, T, H, W].
    """

    encoding: Tensor
    depth: Tensor
    uncertainty: Tensor


class VGGT4Track(nn.Module):
    """Cameras of all frames of a clip in one pass, and their depth if the sizes say so.

    The front end of SpatialTrackerV2 (Xiao et al., 2025), a VGGT (Wang et al., 2025). It has no
    head of its own for points: they follow from cameras and depth, see `points`.
    """

    def __init__(self, config: VGGTConfig) -> None:
        super().__init__()
        self.aggregator = Aggregator(config)
        self.camera_head = CameraHead(config)
        self._depth_layers: tuple[int, ...] = ()
        if config.depth_head is not None:
            self._depth_layers = config.depth_head.layers
            self.depth_head = DepthHead(config.depth_head, width=2 * config.width)

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
        return self._cameras(cameras)

    def scene(
        self, frames: Tensor, *, on_layer: Callable[[], None] | None = None
    ) -> ScenePrediction:
        """Estimate the cameras and the depth; arguments as for `forward`.

        The depth head keeps to float32 under autocast, too.

        Raises:
            UsageError: The network was built without its depth head.
        """
        if not self._depth_layers:
            raise UsageError("this VGGT4Track was built without its depth head: `depth_head`")
        kept: list[Tensor] = []
        for number, (local, joined) in enumerate(self.aggregator.layers(frames)):
            if number in self._depth_layers:
                kept.append(torch.cat([local[:, :, SPECIAL:], joined[:, :, SPECIAL:]], dim=-1))
            cameras = torch.cat([local[:, :, 0], joined[:, :, 0]], dim=-1)
            if on_layer is not None:
                on_layer()
        with torch.autocast(frames.device.type, enabled=False):
            depth, uncertainty = self.depth_head(
                [layer.float() for layer in kept], rows=frames.shape[-2] // PATCH, patch=PATCH
            )
        return ScenePrediction(self._cameras(cameras), depth, uncertainty)

    def _cameras(self, tokens: Tensor) -> Tensor:
        with torch.autocast(tokens.device.type, enabled=False):
            return self.camera_head(tokens.float())[-1]
