"""Memory: what this process took at most, what its GPU did, and how large loaded things are."""

import resource
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


def peak_rss_bytes() -> int:
    """Return the largest resident set of this process so far, in bytes.

    On Linux the kernel's high-water mark of this process image: `ru_maxrss` also remembers the
    parent that the process was started from.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_gpu_bytes() -> int:
    """Return the most GPU memory that torch has had for tensors in this process; 0 without any.

    Nothing is imported or initialised for it.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return int(torch.cuda.max_memory_allocated())


def forget_peak_rss() -> None:
    """Let the next stage of this process begin with its own peak, where the kernel can."""
    with suppress(OSError):
        _FORGET.write_text("5")


def forget_gpu_peak() -> None:
    """Let the next stage of this process begin with its own peak."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def nbytes_of(loaded: Any) -> int:
    """Return the bytes of the arrays, tensors and byte strings in what a backend has loaded.

    Everything else in it is small. An array that is there twice counts once.
    """
    return _nbytes(loaded, set())


def _nbytes(value: Any, seen: set[int]) -> int:
    if value is None or isinstance(value, str | int | float) or id(value) in seen:
        return 0
    seen.add(id(value))
    size = len(value) if isinstance(value, bytes | bytearray) else getattr(value, "nbytes", None)
    if isinstance(size, int):
        return size
    return sum(_nbytes(part, seen) for part in _parts_of(value))


def _parts_of(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return (getattr(value, one.name) for one in fields(value))
    return getattr(value, "__dict__", {}).values()
