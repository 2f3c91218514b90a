"""What scores by a network that sees frames as they are have in common."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from clipmill.annotations.quality.scores.frame_scores import FRAMES_PER_CLIP, ScoreOptions
from clipmill.models.device import autocast, choose_device, full_precision, inference
from clipmill.weights import MissingWeightsError


class PictureScore:
    """A score of single frames by a network; subclasses build it.

    Args:
        network: Maps float [N, 3, H, W] RGB in [0, 1] to float [N, 1] or [N].
        column: Column of `QualityRow` that it fills.
        options: Device and precision.
    """

    def __init__(self, network: torch.nn.Module, *, column: str, options: ScoreOptions) -> None:
        self.columns = (column,)
        self._device = choose_device(options.device, what=column)
        self._precision = autocast if options.mixed_precision else full_precision
        self._size = options.frames_per_call or FRAMES_PER_CLIP
        self._model = network.to(self._device).eval().requires_grad_(False)

    def prepare(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the frame as it is: the networks see it at source size."""
        return frame

    def measure(self, prepared: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
        """Return float64 [N, 1]; the frames of one call have one size."""
        scores: list[float] = []
        for frames in runs_of_one_shape(prepared, at_most=self._size):
            scores += self._run(frames)
        return np.array(scores, np.float64)[:, None]

    def _run(self, frames: Sequence[npt.NDArray[np.uint8]]) -> list[float]:
        pictures = torch.from_numpy(np.stack(frames)).to(self._device)
        with inference(), self._precision(self._device):
            scores = self._model(pictures.permute(0, 3, 1, 2).float() / 255)
        values: list[float] = scores.float().reshape(-1).cpu().tolist()
        return values


def runs_of_one_shape(
    frames: Sequence[npt.NDArray[Any]], *, at_most: int
) -> Iterator[Sequence[npt.NDArray[Any]]]:
    """Yield neighbouring frames of equal shape, `at_most` at a time, in order."""
    start = 0
    for end in range(1, len(frames) + 1):
        full = end - start == at_most
        if full or end == len(frames) or frames[end].shape != frames[start].shape:
            yield frames[start:end]
            start = end


def weights_file(folder: Path, pattern: str, *, what: str) -> Path:
    """Return the one file of a folder whose name fits a pattern.

    Raises:
        MissingWeightsError: There is none.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise MissingWeightsError(f"{what}: there is no file '{pattern}' in {folder}")
    return found[0]
