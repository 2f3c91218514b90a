"""Aesthetics by NIMA (Talebi and Milanfar, TIP 2018) on InceptionResNet-V2, by `pyiqa`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from clipmill.annotations.quality.scores.frame_scores import ScoreOptions
from clipmill.annotations.quality.scores.pyiqa_scores import PyiqaScore, quiet, weights_file
from clipmill.weights import load_state_dict


class Nima(PyiqaScore):
    """How beautiful people find a frame, about [1, 10].

    Args:
        weights: Checkpoint file, or a folder that holds `NIMA*.pth`.
        options: Device and precision.
    """

    def __init__(self, weights: Path, options: ScoreOptions) -> None:
        network = _network()
        path = weights_file(weights, "NIMA*.pth", what="aesthetic") if weights.is_dir() else weights
        load_state_dict(network, path, container_key="params")
        super().__init__(network, column="aesthetic", options=options)


def _network() -> torch.nn.Module:
    from pyiqa.archs.nima_arch import NIMA

    with quiet(), _no_backbone_download():
        network: torch.nn.Module = NIMA(
            base_model_name="inception_resnet_v2", num_classes=10, pretrained=False
        )
    return network


@contextlib.contextmanager
def _no_backbone_download() -> Iterator[None]:
    """Build the backbone empty: the library fetches ImageNet weights to overwrite them at once."""
    import timm  # type: ignore[import-not-found,unused-ignore]

    original = timm.create_model

    def empty(name: str, **options: Any) -> torch.nn.Module:
        network: torch.nn.Module = original(name, **(options | {"pretrained": False}))
        return network

    timm.create_model = empty
    try:
        yield
    finally:
        timm.create_model = original
