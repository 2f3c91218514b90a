"""What this machine has for workers: cores, memory, GPUs."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from clipmill.engine.resources.gpus import Gpu, find_gpus

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """What workers can be given.

    Attributes:
        cores: That this process may use.
        memory: Bytes that are free.
        gpus: Cards.
    """

    cores: int
    memory: int
    gpus: tuple[Gpu, ...] = ()

    @classmethod
    def here(cls) -> "Machine":
        """Return what this process may use of the machine that it runs on."""
        return cls(usable_cores(), free_memory(), _gpus_here())


def usable_cores() -> int:
    """Return the cores of this process: of its affinity, within the quota of its container."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    cores = cores or os.cpu_count() or 1
    quota, _, period = _read("cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def free_memory() -> int:
    """Return the bytes that can be had without swapping, within the limit of the container."""
    free = psutil.virtual_memory().available
    limit, used = _read("memory.max").strip(), _read("memory.current").strip()
    if limit.isdigit() and used.isdigit():
        free = min(free, max(int(limit) - int(used), 0))
    return int(free)


@cache
def _gpus_here() -> tuple[Gpu, ...]:
    return find_gpus()


def _read(name: str) -> str:
    try:
        return (_CGROUP / name).read_text()
    except OSError:  # not in a container, or of the first version of cgroups
        return ""
