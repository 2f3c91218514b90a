"""Shot boundaries by AutoShot (Zhu et al., CVPR Workshops 2023)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import RUNTIME, Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.checkpoints import Checkpoint
from clipmill.annotations.optional import needed_from
from clipmill.annotations.shots.frames.pictures import PictureShares
from clipmill.annotations.shots.frames.windows import (
    MARGIN,
    STEP,
    first_frame_scores,
    small_frames,
    windows_of,
)
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.store.codecs import encode_array

_WINDOWS_ON_CPU, _WINDOWS_ON_GPU = 1, 32
"""One window is 100 frames, work enough for a CPU; more only leave its caches (measured)."""


class AutoShotConfig(BackendConfig):
    """Settings; the defaults are the published ones.

    Attributes:
        threshold: Probability above which a frame is a boundary; only stored with the row.
        windows_per_call: Windows of 100 frames that go through the network at once, about
            200 MB each; 1 on the CPU and 32 on a GPU when None.
        mixed_precision: Compute in bfloat16 on GPUs that have it: faster, but probabilities
            near the threshold may fall on the other side.
        device: Torch device; `auto` takes a GPU when there is one.
        weights: Checkpoint file used instead of the registry's.
    """

    threshold: float = Field(default=0.296, ge=0, le=1)
    windows_per_call: Annotated[int | None, RUNTIME] = Field(default=None, ge=1)
    mixed_precision: bool = False
    device: Annotated[str, RUNTIME] = "auto"
    weights: Annotated[str | None, RUNTIME] = None


class AutoShotShots(Backend):
    """Scores are the network's probability that a new shot begins.

    They are stored as float32: rounded to float16, a probability just above the threshold could
    become equal to it.
    """

    annotation = "shots"
    name = "autoshot"
    version = 2
    Config = AutoShotConfig
    Row = ShotsRow
    needs = Needs(
        modules=("torch",),
        extra="models",
        weights=("autoshot",),
        licence="MIT (code); none stated for the weights",
    )

    config: AutoShotConfig

    @classmethod
    def identity(cls, config: AutoShotConfig) -> dict[str, str]:
        """Name the network and the checksum of its weights."""
        return Checkpoint("autoshot", weights=config.weights).identity()

    def setup(self) -> None:
        """Build the network and fill it, strictly.

        Raises:
            MissingExtraError: Torch is not installed.
            UsageError: No such device, or no weights.
            WeightsError: The checkpoint does not fit; the keys are named.
        """
        what = "shots backend 'autoshot'"
        with needed_from("models", what=what):
            from clipmill.models.autoshot import UNUSED, AutoShot, FusedAutoShot
            from clipmill.models.device import choose_device
        from clipmill.weights import load_state_dict

        self._device = choose_device(self.config.device, what=what)
        on_cpu = self._device.type == "cpu"
        self._windows = self.config.windows_per_call or (
            _WINDOWS_ON_CPU if on_cpu else _WINDOWS_ON_GPU
        )
        network = AutoShot().eval().requires_grad_(False)
        path = Path(Checkpoint("autoshot", weights=self.config.weights).locate()[0])
        load_state_dict(network, path, unused=UNUSED, container_key="net")
        self._model = FusedAutoShot(network).to(self._device)

    def load(self, item: ClipInput) -> tuple[npt.NDArray[np.uint8], PictureShares]:
        """Decode the clip at 48 x 27."""
        return small_frames(item)

    def annotate(self, batch: Sequence[Any]) -> list[ShotsRow]:
        """Return one row per clip; clips are not mixed, so a row depends on its clip alone."""
        return [self._row(self.probabilities(frames), shares) for frames, shares in batch]

    def probabilities(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Score every frame of a clip as the LAST one of its shot.

        Args:
            frames: uint8 [T, 27, 48, 3] RGB.

        Returns:
            float32 [T] in [0, 1].
        """
        from clipmill.models.batching import in_batches

        parts = in_batches(self._run, list(windows_of(frames)), size=self._windows)
        return np.concatenate([np.zeros(0, np.float32), *parts])[: len(frames)]

    def _run(self, windows: Sequence[npt.NDArray[np.uint8]]) -> list[npt.NDArray[np.float32]]:
        """Map K windows uint8 [100, 27, 48, 3] to K times float32 [50]."""
        import torch

        from clipmill.models.device import autocast, full_precision, inference

        precision = autocast if self.config.mixed_precision else full_precision
        with inference(), precision(self._device):
            logits = self._model(torch.from_numpy(np.stack(windows)).to(self._device))
            middle = torch.sigmoid(logits[:, MARGIN : MARGIN + STEP].float())
        return list(middle.cpu().numpy())

    def _row(self, probabilities: npt.NDArray[np.float32], shares: PictureShares) -> ShotsRow:
        return ShotsRow(
            scores=encode_array(first_frame_scores(probabilities)),
            threshold=self.config.threshold,
            num_decoded=len(probabilities),
            **shares.columns(),
        )
