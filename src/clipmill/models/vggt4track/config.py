"""Sizes of the network."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from clipmill.errors import UsageError

PATCH = 14
"""Side of a patch, pixels of the network's input."""

WIDTH = 518
"""Width of the network's input, pixels; heights are a multiple of `PATCH` up to this."""

REGISTERS = 4
"""Register tokens per frame, in the patch embedding and in the aggregator."""


@dataclass(frozen=True)
class VGGTConfig:
    """Sizes; the defaults are those of the published SpatialTrackerV2 front end.

    Attributes:
        width: Channels of a token in the aggregator and the patch embedding.
        depth: Pairs of frame and global attention blocks.
        heads: Attention heads of the aggregator's blocks.
        patch_depth: Blocks of the patch embedding, a ViT.
        patch_heads: Attention heads of the patch embedding.
        camera_depth: Blocks of the camera head, whose tokens have 2 x `width` channels.
        camera_heads: Attention heads of the camera head.
        refinements: Rounds the camera head refines its poses in.
    """

    width: int = 1024
    depth: int = 24
    heads: int = 16
    patch_depth: int = 24
    patch_heads: int = 16
    camera_depth: int = 4
    camera_heads: int = 16
    refinements: int = 4

    def __post_init__(self) -> None:
        sizes = asdict(self)
        if any(type(size) is not int or size < 1 for size in sizes.values()):
            raise UsageError(f"VGGT4Track sizes must be whole numbers of at least 1: {sizes}")
        if self.width % self.patch_heads or 2 * self.width % self.camera_heads:
            raise UsageError(f"VGGT4Track: heads must divide the channels: {sizes}")
        if self.width % (4 * self.heads):
            raise UsageError(f"VGGT4Track: a head needs a multiple of 4 channels: {sizes}")

    @classmethod
    def from_mapping(cls, sizes: Any) -> "VGGTConfig":
        """Read sizes from parsed JSON.

        Args:
            sizes: The fields by name.

        Raises:
            UsageError: It is no mapping, or has a field that there is not; named.
        """
        if not isinstance(sizes, dict):
            raise UsageError(f"VGGT4Track sizes must be a mapping, not {sizes!r}")
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(sizes) - set(names))
        if unknown:
            raise UsageError(
                f"VGGT4Track has no size {', '.join(unknown)}; there are: {', '.join(names)}"
            )
        return cls(**sizes)
