"""What a learned score of single frames is to the backend."""

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from clipmill.annotations.checkpoints import Checkpoint
from clipmill.errors import MissingExtraError

FRAMES_PER_CLIP = 3


@dataclass(frozen=True)
class ScoreOptions:
    """How a score is computed.

    Attributes:
        device: Torch device, or `auto`.
        mixed_precision: Compute in bfloat16 where the device has it.
        frames_per_call: Frames that go through the network at once; the score's own choice
            when None.
    """

    device: str = "auto"
    mixed_precision: bool = False
    frames_per_call: int | None = None


class FrameScore(Protocol):
    """Measures frames one by one; built with the path of its weights and `ScoreOptions`."""

    columns: tuple[str, ...]
    """Columns of `QualityRow` that it fills."""

    def prepare(self, frame: npt.NDArray[np.uint8]) -> Any:
        """Bring a frame uint8 [H, W, 3] RGB into the network's form; runs in decode threads."""

    def measure(self, prepared: Sequence[Any]) -> npt.NDArray[np.float64]:
        """Measure prepared frames of several clips, `FRAMES_PER_CLIP` of each after the other.

        The values of a frame do not depend on the frames of other clips.

        Returns:
            float64 [N, number of columns].
        """


Corners = npt.NDArray[np.float64]
"""Of one text box: float64 [4, 2], x, y in source pixels, clockwise."""


@runtime_checkable
class TextScore(FrameScore, Protocol):
    """A score that also knows where it found text."""

    def locate(
        self, prepared: Sequence[Any]
    ) -> tuple[npt.NDArray[np.float64], list[list[Corners]]]:
        """Return what `measure` returns, and the boxes of every frame."""


@dataclass(frozen=True)
class ScoreSpec:
    """How to get a score, without importing what it needs.

    Attributes:
        path: `module:Class`.
        modules: Python modules that it imports.
        weights: Name in the weights registry.
    """

    path: str
    modules: tuple[str, ...]
    weights: str

    def check_modules(self, *, what: str, extra: str) -> None:
        """Raise what is missing before any work is done.

        Raises:
            MissingExtraError: A module cannot be found.
        """
        for module in self.modules:
            if importlib.util.find_spec(module) is None:
                raise MissingExtraError(what, extra, module)

    def checkpoint(self, by_hand: str | None) -> Checkpoint:
        """Return where the weights are."""
        return Checkpoint(self.weights, weights=by_hand)

    def make(self, by_hand: str | None, options: ScoreOptions) -> FrameScore:
        """Load the network.

        Raises:
            WeightsError: The weights are missing or do not fit.
        """
        module, _, name = self.path.partition(":")
        location, _ = self.checkpoint(by_hand).locate()
        found: FrameScore = getattr(importlib.import_module(module), name)(Path(location), options)
        return found
