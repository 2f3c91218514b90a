"""A backend whose clips meet a machine that fails, in earnest, as long as a file is there.

Named in pipelines as `failing_backends:Failing`. What a video is called decides what happens to it.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fake_backends import EchoRow

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.errors import ClipError


class FailingConfig(BackendConfig):
    """`bad_day` names the file; `read` decodes the clip; `log` gets a line for each clip begun."""

    bad_day: str = ""
    read: bool = False
    log: str = ""
    megabytes: int = 0


class Failing(Backend):
    """Answers with the clip's start."""

    annotation = "quality"
    name = "failing"
    Config = FailingConfig
    Row = EchoRow
    unit_size = 2
    config: FailingConfig

    def load(self, item: ClipInput) -> Any:
        name = item.video.relative_path
        if self.config.log:
            with Path(self.config.log).open("a") as log:
                log.write(f"{name} {os.getpid()}\n")
        if self.config.read:
            with item.open() as reader:
                reader.frames(range(item.clip.start, item.clip.end))
        if self.config.megabytes:
            np.empty(self.config.megabytes << 20, np.uint8)
        if Path(self.config.bad_day).exists():
            _CAUSES.get(name.split("-")[0], _nothing)()
        if name.startswith("poison"):
            raise RuntimeError("the model does not like this clip")
        if name.startswith("unusable"):
            raise ClipError("no")
        return item

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [EchoRow(item.clip.start, item.video.relative_path) for item in batch]


class Crowded(Failing):
    """Has memory for one worker at a time."""

    name = "crowded"

    def setup(self) -> None:
        self._place = Path(self.config.bad_day) / str(os.getpid())
        self._place.touch()

    def load(self, item: ClipInput) -> Any:
        others = [int(p.name) for p in Path(self.config.bad_day).iterdir() if p != self._place]
        if any(Path(f"/proc/{pid}").exists() for pid in others):
            raise MemoryError("two is a crowd")
        return item


def _nothing() -> None:
    """Most videos meet no trouble."""


def _memory() -> None:
    np.zeros(1 << 50, np.uint8)


def _gpu() -> None:
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.44 GiB.")


def _opencv() -> None:
    import cv2

    raise cv2.error("OpenCV: error: (-4:Insufficient memory) Failed to allocate 99 bytes")


def _eio() -> None:
    with Path("/proc/self/mem").open("rb") as file:
        file.read(1)


def _full() -> None:
    with Path("/dev/full").open("w") as file:
        file.write("x")


def _files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        Path("/dev/null").read_bytes()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _device() -> None:
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


def _alloc() -> None:
    # An exception of C++ that nobody catches: the process aborts.
    ctypes.CDLL("libstdc++.so.6")["_ZSt17__throw_bad_allocv"]()


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


_CAUSES = {
    "memory": _memory,
    "gpu": _gpu,
    "opencv": _opencv,
    "eio": _eio,
    "full": _full,
    "files": _files,
    "device": _device,
    "alloc": _alloc,
    "killed": _killed,
    "segfault": _segfault,
}
