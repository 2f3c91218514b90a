"""Backends that tell where they run, or have room for a few workers only.

Named in pipelines as `placed_backends:Class`.
"""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipmill.annotations.base import Backend, BackendConfig, ClipInput, Needs


@dataclass(frozen=True)
class PlaceRow:
    process: int
    gpus: str


class PlaceConfig(BackendConfig):
    """`folder` gets a file per worker; a clip ends when `crowd` of them have a model there."""

    folder: str = ""
    crowd: int = 0
    room: int = 0
    device: str = "auto"


class Placed(Backend):
    """Says which GPUs its process sees."""

    annotation = "quality"
    name = "placed"
    Config = PlaceConfig
    Row = PlaceRow
    needs = Needs(gpus=1.0)
    unit_size = 1
    config: PlaceConfig

    def setup(self) -> None:
        # Before anything could initialise CUDA: as the process began.
        self._gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        (Path(self.config.folder) / str(os.getpid())).touch()

    def load(self, item: ClipInput) -> Any:
        while len(list(Path(self.config.folder).iterdir())) < self.config.crowd:
            item.check()
            time.sleep(0.01)
        return item

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [PlaceRow(os.getpid(), self._gpus) for _ in batch]


class Quarter(Placed):
    """Four to a card."""

    needs = Needs(gpus=0.25)


class Roomy(Placed):
    """Has memory for the models of `room` workers."""

    def setup(self) -> None:
        for number in range(self.config.room):
            place = Path(self.config.folder) / str(number)
            try:
                place.touch(exist_ok=False)
            except FileExistsError:
                continue
            self._gpus = ""
            return
        self.without_room()

    def without_room(self) -> None:
        raise MemoryError("CUDA out of memory. Tried to allocate 2.44 GiB.")


class KilledWithoutRoom(Roomy):
    """Is killed by the system where there is no memory."""

    def without_room(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Uneven(Placed):
    """Takes long over every second clip."""

    unit_size = 32

    def load(self, item: ClipInput) -> Any:
        time.sleep(0.3 if item.clip.start % 2 == 0 else 0.0)
        return item
