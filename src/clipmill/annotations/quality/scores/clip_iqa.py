"""Image quality by CLIP-IQA+ (Wang, Chan and Loy, AAAI 2023), network by `pyiqa`."""

from pathlib import Path

import torch

from clipmill.annotations.quality.scores.frame_scores import ScoreOptions
from clipmill.annotations.quality.scores.pyiqa_scores import PyiqaScore, quiet, weights_file
from clipmill.weights import WeightsError


class ClipIqa(PyiqaScore):
    """How good a frame looks, in [0, 1].

    Args:
        weights: Folder with CLIP's `RN50*.pt` and the learned prompts `CLIP-IQA*.pth`.
        options: Device and precision.
    """

    def __init__(self, weights: Path, options: ScoreOptions) -> None:
        from pyiqa.archs.clipiqa_arch import CLIPIQA

        clip = weights_file(weights, "RN50*.pt", what="image quality")
        prompts = weights_file(weights, "CLIP-IQA*.pth", what="image quality")
        with quiet():
            # a path instead of a name, and no pretrained prompts: nothing is downloaded
            network = CLIPIQA(model_type="clipiqa+", backbone=str(clip), pretrained=False)
        _load_prompts(network, prompts)
        super().__init__(network, column="image_quality", options=options)


def _load_prompts(network: torch.nn.Module, path: Path) -> None:
    """Copy the learned prompts, one tensor, into the network.

    Raises:
        WeightsError: The file holds something else, or a tensor of another shape.
    """
    from pickle import UnpicklingError

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise WeightsError(f"{path} is no readable tensor: {error}") from error
    target = network.get_submodule("prompt_learner").get_parameter("ctx")
    if not isinstance(found, torch.Tensor) or found.shape != target.shape:
        shape = list(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise WeightsError(
            f"{path} does not hold the prompts: {shape} instead of {list(target.shape)}"
        )
    with torch.no_grad():
        target.copy_(found)
