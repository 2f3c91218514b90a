"""Image quality by CLIP-IQA+ (Wang, Chan and Loy, AAAI 2023)."""

from pathlib import Path

import torch

from clipmill.annotations.quality.scores.frame_scores import ScoreOptions
from clipmill.annotations.quality.scores.picture_score import PictureScore, weights_file
from clipmill.models.image_scores.clip_iqa import ClipIqaNetwork, ClipModel
from clipmill.weights import WeightsError
from clipmill.weights.load import fill_network

_OF_THE_ARCHIVE = frozenset({"input_resolution", "context_length", "vocab_size"})
"""Numbers that the published archive holds among its weights."""
_WORDS = 16
"""Learned words around a prompt."""


class ClipIqa(PictureScore):
    """How good a frame looks, in [0, 1].

    Args:
        weights: Folder with CLIP's `RN50*.pt` and the learned prompts `CLIP-IQA*.pth`.
        options: Device and precision.
    """

    def __init__(self, weights: Path, options: ScoreOptions) -> None:
        clip = read_clip(weights_file(weights, "RN50*.pt", what="image quality"))
        words = read_words(weights_file(weights, "CLIP-IQA*.pth", what="image quality"), clip)
        super().__init__(ClipIqaNetwork(clip, words), column="image_quality", options=options)


def read_clip(path: Path) -> ClipModel:
    """Read CLIP from the TorchScript archive that is published.

    The program in the archive is not run; its weights, of half precision, are taken.

    Raises:
        WeightsError: It is no such archive.
        StateDictError: Its weights are not those of a CLIP with a ResNet.
    """
    try:
        found = torch.jit.load(path, map_location="cpu").state_dict()
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} is no TorchScript archive of CLIP: {reason}") from error
    tensors = {key: value for key, value in found.items() if key not in _OF_THE_ARCHIVE}
    try:
        clip = ClipModel({key: tuple(value.shape) for key, value in tensors.items()})
    except (KeyError, ValueError) as error:
        raise WeightsError(f"{path} holds no CLIP with a ResNet: there is no {error}") from error
    fill_network(clip, tensors, path)
    return clip.eval()


def read_words(path: Path, clip: ClipModel) -> torch.Tensor:
    """Read the learned words, one tensor float32 [2, 16, width of the text].

    Raises:
        WeightsError: The file holds something else, or a tensor of another shape.
    """
    from pickle import UnpicklingError

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise WeightsError(f"{path} is no readable tensor: {error}") from error
    wanted = [2, _WORDS, clip.text_projection.shape[0]]
    if not isinstance(found, torch.Tensor) or list(found.shape) != wanted:
        shape = list(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise WeightsError(f"{path} does not hold the prompts: {shape} instead of {wanted}")
    return found.detach().float()
