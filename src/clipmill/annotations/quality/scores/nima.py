"""Aesthetics by NIMA (Talebi and Milanfar, TIP 2018) on Inception-ResNet-v2."""

from pathlib import Path

from clipmill.annotations.quality.scores.frame_scores import ScoreOptions
from clipmill.annotations.quality.scores.picture_score import PictureScore, weights_file
from clipmill.models.image_scores.nima import NimaNetwork
from clipmill.weights import load_state_dict


class Nima(PictureScore):
    """How beautiful people find a frame, about [1, 10].

    Args:
        weights: Checkpoint file, or a folder that holds `NIMA*.pth`.
        options: Device and precision.
    """

    def __init__(self, weights: Path, options: ScoreOptions) -> None:
        network = NimaNetwork()
        path = weights_file(weights, "NIMA*.pth", what="aesthetic") if weights.is_dir() else weights
        load_state_dict(network, path, container_key="params")
        super().__init__(network, column="aesthetic", options=options)
