"""Batch normalisation folded into the convolution before it, for inference."""

from collections.abc import Iterable
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_PAIRS = (("conv", "bn"), ("conv1", "bn1"), ("conv2", "bn2"))
"""Names under which a module keeps a convolution and what normalises its output."""


def fold_batch_norms(network: nn.Module) -> None:
    """Fold, in place, every batch normalisation that follows a convolution; answers stay.

    Args:
        network: In evaluation mode. Pairs are found by their names, and in `nn.Sequential` by
            standing next to each other.
    """
    for module in list(network.modules()):
        pairs: Iterable[tuple[str, str]] = _PAIRS
        if isinstance(module, nn.Sequential):
            names = [name for name, _ in module.named_children()]
            pairs = pairwise(names)
        for first, second in pairs:
            conv, norm = getattr(module, first, None), getattr(module, second, None)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(conv, norm))
                setattr(module, second, nn.Identity())
