"""Backends for clusters: they take their time, and say where they are; some clips are trouble.

Named in pipelines as `cluster_backends:Class`.
"""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from clipmill.annotations.base import RUNTIME, Backend, BackendConfig, ClipInput


@dataclass(frozen=True)
class SleepyRow:
    name: str
    frames: int


class SleepyConfig(BackendConfig):
    """Seconds of loading and of the model; `log` gets a line for each clip that is begun."""

    loading: Annotated[float, RUNTIME] = 0.0
    model: Annotated[float, RUNTIME] = 0.1
    log: Annotated[str, RUNTIME] = ""


class Sleepy(Backend):
    """Sleeps as a processor waits for its GPU; what a video is called decides what goes wrong."""

    annotation = "quality"
    name = "sleepy"
    Config = SleepyConfig
    Row = SleepyRow
    unit_size = 4
    config: SleepyConfig

    def load(self, item: ClipInput) -> Any:
        name = Path(item.video.relative_path).name
        if self.config.log:
            with Path(self.config.log).open("a", encoding="utf-8") as log:
                log.write(f"{name} {os.getpid()} {time.time()}\n")
        time.sleep(self.config.loading)
        if name.startswith("poison"):
            raise RuntimeError("the model does not like this clip")
        if name.startswith("oom"):
            # What a system does that has no memory left.
            os.kill(os.getpid(), signal.SIGKILL)
        return name, item.clip.num_frames

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        time.sleep(self.config.model)
        return [SleepyRow(name, frames) for name, frames in batch]
