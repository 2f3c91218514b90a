"""Backends that misbehave on purpose; named in pipelines as `fake_backends:Class`.

They do in earnest what clips do to real backends: raise, hang, kill their process.
"""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.errors import ClipError


@dataclass(frozen=True)
class EchoRow:
    start: int
    text: str


class EchoConfig(BackendConfig):
    """`log` gets one line per clip whose work begins; work ends once the file `until` exists."""

    log: str = ""
    until: str = ""
    seconds: float = 0.0


class Echo(Backend):
    """Answers with the clip's start; what the video is called decides what goes wrong."""

    annotation = "quality"
    name = "echo"
    Config = EchoConfig
    Row = EchoRow
    unit_size = 4
    batch_size = 1

    def load(self, item: ClipInput) -> Any:
        if self.config.log:
            with Path(self.config.log).open("a") as log:
                log.write(f"{item.clip.clip_id}\n")
        text = item.video.relative_path
        if text.startswith("unreadable"):
            raise ClipError(f"{text} cannot be read")
        if text.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if text.startswith("hang"):
            while True:
                time.sleep(0.01)
        while text.startswith("spin"):
            pass
        while text.startswith("busy"):
            item.check()
        if text.startswith("slow"):
            while True:
                item.check()
                time.sleep(0.01)
        while self.config.until and not Path(self.config.until).exists():
            item.check()
            time.sleep(0.01)
        time.sleep(self.config.seconds)
        return item

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        if any(item.video.relative_path.startswith("poison") for item in batch):
            raise RuntimeError("the model does not like this clip")
        return [EchoRow(item.clip.start, item.video.relative_path) for item in batch]


class Batched(Echo):
    """Takes four clips per call."""

    batch_size = 4


class Greedy(Echo):
    """Runs out of memory with more than two clips per call."""

    batch_size = 8

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        if len(batch) > 2:
            raise MemoryError("out of memory")
        return super().annotate(batch)


class Broken(Echo):
    """Cannot be set up."""

    def setup(self) -> None:
        raise ClipError("the weights are missing")


class DeadOnArrival(Echo):
    """Kills its process while it is set up."""

    def setup(self) -> None:
        os._exit(3)
