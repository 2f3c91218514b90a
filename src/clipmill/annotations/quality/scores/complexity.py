"""Image complexity by ICNet (Feng et al., "IC9600", TPAMI 2022)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from clipmill.annotations.quality.scores.frame_scores import FRAMES_PER_CLIP, ScoreOptions
from clipmill.models.batching import in_batches
from clipmill.models.device import autocast, choose_device, full_precision, inference
from clipmill.models.folding import fold_batch_norms
from clipmill.models.ic9600 import SIDE, ICNet
from clipmill.weights import load_state_dict

_FRAMES_ON_GPU = 8 * FRAMES_PER_CLIP


class Complexity:
    """How complex people find a frame, in [0, 1].

    Args:
        weights: Checkpoint file, or a folder that holds `ck.pth`.
        options: Device, precision, frames per call.
    """

    columns = ("complexity",)

    def __init__(self, weights: Path, options: ScoreOptions) -> None:
        self._device = choose_device(options.device, what="image complexity")
        self._precision = autocast if options.mixed_precision else full_precision
        default = FRAMES_PER_CLIP if self._device.type == "cpu" else _FRAMES_ON_GPU
        self._size = options.frames_per_call or default
        network = ICNet().eval().requires_grad_(False)
        load_state_dict(network, weights / "ck.pth" if weights.is_dir() else weights)
        fold_batch_norms(network)
        self._model = network.to(self._device, memory_format=torch.channels_last)

    def prepare(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Squeeze a frame to uint8 [512, 512, 3], antialiased, as the network was trained."""
        picture = Image.fromarray(frame).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return np.asarray(picture)

    def measure(self, prepared: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
        """Return float64 [N, 1].

        The last call is filled up: kernels are chosen by the size of a call, and a frame's score
        would otherwise depend, in its last digits, on how many others came with it.
        """
        filled = [*prepared, *[prepared[-1]] * (-len(prepared) % self._size)]
        scores = in_batches(self._run, filled, size=self._size)
        return np.array(scores[: len(prepared)], np.float64)[:, None]

    def _run(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[float]:
        values = torch.from_numpy(np.stack(pictures)).to(self._device)
        with inference(), self._precision(self._device):
            scores: list[float] = self._model.score(values).float().cpu().tolist()
        return scores
