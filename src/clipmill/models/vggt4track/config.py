"""Sizes of the network."""

from dataclasses import dataclass, fields
from typing import Any

from clipmill.errors import UsageError

PATCH = 14
"""Side of a patch, pixels of the network's input."""

WIDTH = 518
"""Width of the network's input, pixels; heights are a multiple of `PATCH` up to this."""

REGISTERS = 4
"""Register tokens per frame, in the patch embedding and in the aggregator."""


@dataclass(frozen=True)
class DepthConfig:
    """Sizes of the depth head; the defaults are the published ones.

    Attributes:
        features: Channels of the maps that are merged, a multiple of 8.
        channels: Channels of the four maps before that, fine to coarse, multiples of 4.
        layers: The aggregator's layers whose tokens become these maps, ascending.
    """

    features: int = 256
    channels: tuple[int, int, int, int] = (256, 512, 1024, 1024)
    layers: tuple[int, int, int, int] = (4, 11, 17, 23)

    def __post_init__(self) -> None:
        four = isinstance(self.channels, tuple) and len(self.channels) == 4
        four = four and isinstance(self.layers, tuple) and len(self.layers) == 4
        values = (self.features, *self.channels, *self.layers) if four else ()
        if not values or any(type(value) is not int or value < 0 for value in values):
            raise UsageError(f"VGGT4Track: a depth head has 1, 4 and 4 whole numbers: {self}")
        if self.features < 8 or self.features % 8:
            raise UsageError(f"VGGT4Track: a depth head needs a multiple of 8 features: {self}")
        if min(self.channels) < 4 or any(number % 4 for number in self.channels):
            raise UsageError(f"VGGT4Track: a depth head needs multiples of 4 channels: {self}")
        if list(self.layers) != sorted(set(self.layers)):
            raise UsageError(f"VGGT4Track: layers of a depth head ascend: {self}")


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
        depth_head: Sizes of the depth head; None, the default, leaves it out, since cameras do
            not depend on it.
    """

    width: int = 1024
    depth: int = 24
    heads: int = 16
    patch_depth: int = 24
    patch_heads: int = 16
    camera_depth: int = 4
    camera_heads: int = 16
    refinements: int = 4
    depth_head: DepthConfig | None = None

    def __post_init__(self) -> None:
        names = [field.name for field in fields(self) if field.name != "depth_head"]
        sizes = {name: getattr(self, name) for name in names}
        if any(type(size) is not int or size < 1 for size in sizes.values()):
            raise UsageError(f"VGGT4Track sizes must be whole numbers of at least 1: {sizes}")
        if self.width % self.patch_heads or 2 * self.width % self.camera_heads:
            raise UsageError(f"VGGT4Track: heads must divide the channels: {sizes}")
        if self.width % (4 * self.heads):
            raise UsageError(f"VGGT4Track: a head needs a multiple of 4 channels: {sizes}")
        if self.depth_head is not None and self.depth_head.layers[-1] >= self.depth:
            raise UsageError(f"VGGT4Track: the depth head wants more layers than there are: {self}")

    @classmethod
    def from_mapping(cls, sizes: Any) -> "VGGTConfig":
        """Read sizes from parsed JSON.

        Args:
            sizes: The fields by name; `depth_head` is a mapping of its own, or null.

        Raises:
            UsageError: It is no mapping, or has a field that there is not; named.
        """
        known = _known(cls, sizes)
        if known.get("depth_head") is not None:
            head = _known(DepthConfig, known["depth_head"])
            lists: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in head.items()}
            known["depth_head"] = DepthConfig(**lists)
        return cls(**known)


def _known(kind: type, sizes: Any) -> dict[str, Any]:
    """Return a copy of a mapping whose keys are fields of a dataclass."""
    if not isinstance(sizes, dict):
        raise UsageError(f"VGGT4Track sizes must be a mapping, not {sizes!r}")
    names = [field.name for field in fields(kind)]
    unknown = sorted(set(sizes) - set(names))
    if unknown:
        raise UsageError(
            f"VGGT4Track has no size {', '.join(unknown)}; there are: {', '.join(names)}"
        )
    return dict(sizes)
