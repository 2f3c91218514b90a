"""Whose fault a failure is: the clip's, or the machine's at that moment.

A clip's fault is a verdict: its row stays until `--retry-failed`. What the machine could not do
says nothing of the clip: the row tells what happened, and every later run tries it again.
"""

import errno
import re
from collections.abc import Collection
from typing import NamedTuple

CLIP_KINDS = {
    "decode": "the bytes cannot be read as a video",
    "model": "the computation failed",
    "timeout": "it took more computing time than its limit",
    "crash": "it killed the process that worked on it",
    "missing": "the file is gone, or may not be read; every run looks again",
}
"""Kinds of failures that are the clip's, and what they mean."""

MACHINE_KINDS = {
    "memory": "the machine or its GPU had no memory left",
    "disk": "the system could not read or write: a failing or full disk, too many open files",
    "mount": "the disk, or the folder, that holds the file was gone",
    "device": "the GPU failed",
    "server": "a server gave no answer, or refused to",
    "stalled": "no end came in sight for long although hardly anything was computed",
    "killed": "the worker process was killed, as systems do that have no memory left",
    "changed": "the file was replaced while the run went on",
}
"""Kinds of failures that are no verdict on the clip, and what they mean."""

RETRIED_KINDS = frozenset({*MACHINE_KINDS, "missing"})
"""What a run tries again unasked."""

EVERY_KIND = frozenset({*CLIP_KINDS, *MACHINE_KINDS})

REMEDIES = {
    "decode": "look at one of the files with another program; a format may need another FFmpeg",
    "model": "fix the settings of the step, its model or its packages",
    "timeout": "raise `time_limit` of the step",
    "crash": "fix the packages of the step, or choose another backend",
    "missing": "restore the files, or list the source again",
    "memory": "use fewer workers (--workers 1), a smaller `batch_size`, or a machine or a limit "
    "(`ulimit -v`) with more memory",
    "disk": "look at the system's log; make room, or raise the limit on open files (`ulimit -n`)",
    "mount": "mount the disk again",
    "device": "look at the driver's log (`nvidia-smi`, `dmesg`)",
    "server": "start the server, or correct its address and key",
    "stalled": "end what else the machine does, or raise `time_limit` of the step",
    "killed": "use fewer workers (--workers 1) or a machine with more memory",
    "changed": "let the files alone while a run goes on",
}
"""What to do, by kind."""

VERDICT_AFTER = 3
"""Runs in which a clip kills its worker, or stalls, alone: then it is the clip's fault."""

_VERDICTS = {"killed": "crash", "device": "crash", "stalled": "timeout"}

_MEMORY_ERRNOS = frozenset({errno.ENOMEM})
_DISK_ERRNOS = frozenset(
    {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.ENOLCK}
)
_MOUNT_ERRNOS = frozenset(
    {
        *(errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.ESHUTDOWN),
        *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
        *(errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNABORTED, errno.ECONNREFUSED),
    }
)
_MEMORY_TEXT = re.compile(
    r"out of memory|insufficient memory|not enough memory|bad_?\s?alloc|memory allocation"
    r"|can(?:no|')t allocate|(?:failed|unable) to allocate|ALLOC_FAILED|MemoryAllocation"
    r"|failed to map segment|can't start new thread|pthread_create failed"
    r"|thread constructor failed|resource temporarily unavailable",
    re.IGNORECASE,
)
_DEVICE_TEXT = re.compile(r"\bCUDA error|\bCUDNN_STATUS_|\bCUBLAS_STATUS_|\bHIP error")
# These tell of values, which may be anybody's words.
_NO_MACHINE = (ValueError, LookupError, TypeError, ArithmeticError, AssertionError)


class Kind(NamedTuple):
    """What a row's `error_kind` says.

    Attributes:
        name: One of the kinds.
        runs: Runs that have ended so for the clip; noted for kinds that become verdicts.
    """

    name: str
    runs: int = 1

    @classmethod
    def parse(cls, text: str) -> "Kind":
        """Read `killed` or `killed:2`."""
        name, _, runs = text.partition(":")
        return cls(name, int(runs) if runs.isdigit() else 1)

    def __str__(self) -> str:
        return f"{self.name}:{self.runs}" if self.runs > 1 else self.name


def is_machine(error_kind: str) -> bool:
    """Tell whether a failure is no verdict on its clip."""
    return Kind.parse(error_kind).name in MACHINE_KINDS


def once_more(error_kind: str, error: str, before: int) -> tuple[str, str]:
    """Return kind and text of a failure that `before` earlier runs ended with as well.

    A clip that kills its worker, or stalls, alone in `VERDICT_AFTER` runs is not let off any more:
    it would cost every run to come as much again.
    """
    kind = Kind.parse(error_kind).name
    if kind not in _VERDICTS or not before:
        return error_kind, error
    runs = before + 1
    if runs < VERDICT_AFTER:
        return str(Kind(kind, runs)), f"{error} (in {runs} runs)"
    return _VERDICTS[kind], f"{error} (alone, in {runs} runs: taken for the clip's fault)"


def machine_kind(error: BaseException) -> str:
    """Return which failure of the machine an error tells of; empty for any other error.

    Libraries wrap what the system says: the causes of the error are looked at as well.
    """
    seen: BaseException | None = error
    while seen is not None:
        if found := _kind_of(seen):
            return found
        seen = seen.__cause__
    return ""


def _kind_of(error: BaseException) -> str:
    # torch and libav have classes of their own, and are not to be imported for their names.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "memory"
    if isinstance(error, OSError) and error.errno:
        return kind_of_errno(error.errno)
    if isinstance(error, _NO_MACHINE):
        return ""
    return kind_of_text(str(error))


def kind_of_errno(number: int) -> str:
    """Return which failure of the machine an error number tells of; empty for any other."""
    kinds = {"memory": _MEMORY_ERRNOS, "disk": _DISK_ERRNOS, "mount": _MOUNT_ERRNOS}
    return next((kind for kind, numbers in kinds.items() if number in numbers), "")


def kind_of_text(text: str) -> str:
    """Return which failure of the machine a native library tells of; empty for any other."""
    if _MEMORY_TEXT.search(text):
        return "memory"
    return "device" if _DEVICE_TEXT.search(text) else ""


_OLD_TIMEOUT = re.compile(r"took longer than its limit of \S+ s(;.*| and was stopped)")
_OLD_KILL = "the worker process was killed by SIGKILL; was the machine out of memory?"
_OLD_ERRNOS = {
    "Cannot allocate memory": "memory",
    "Input/output error": "disk",
    "Too many open files": "disk",
    "No space left on device": "disk",
    "Stale file handle": "mount",
    "Transport endpoint is not connected": "mount",
}
_NATIVE_ERROR = re.compile(r"(?:\w+\.)*(MemoryError|OutOfMemoryError|RuntimeError|error|OSError): ")


def as_of_now(error_kind: str, error: str) -> str:
    """Return the kind that a failure of an earlier clipmill has today.

    Rows used to blame the clip for everything. Time limits counted the seconds of the clock.
    """
    if error_kind == "timeout" and _OLD_TIMEOUT.fullmatch(error):
        return "stalled"
    if error_kind == "crash" and error == _OLD_KILL:
        return "killed"
    if error_kind in ("decode", "missing"):
        return next((kind for text, kind in _OLD_ERRNOS.items() if text in error), error_kind)
    return _of_computing(error) or error_kind if error_kind == "model" else error_kind


def _of_computing(error: str) -> str:
    """Return which failure of the machine was taken for one of a model; empty for none."""
    if error.startswith("the caption server "):
        return "server"
    if "does not fit into the memory of the device" in error:
        return "memory"
    native = _NATIVE_ERROR.match(error)
    if native is None:
        return ""
    if native[1].endswith("MemoryError"):
        return "memory"
    number = re.search(r"\[Errno (\d+)\]", error)
    return kind_of_text(error) or (kind_of_errno(int(number[1])) if number else "")


def check_kinds(names: Collection[str]) -> frozenset[str]:
    """Return kinds of failures by their names.

    Raises:
        ValueError: There is no such kind; says which there are.
    """
    unknown = sorted(set(names) - EVERY_KIND)
    if unknown:
        known = ", ".join([*CLIP_KINDS, *MACHINE_KINDS])
        raise ValueError(f"no such kind of failure: {', '.join(unknown)}; there are: all, {known}")
    return frozenset(names)
