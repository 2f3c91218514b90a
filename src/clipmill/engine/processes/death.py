"""Why a worker process died, as far as can be told from outside."""

import resource
import signal
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess

from clipmill.failures import kind_of_text

_OUTSIDE = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU, signal.SIGBUS, signal.SIGPWR}
)
"""Signals that no mistake in a program sends. SIGBUS: a mapped file, or shared memory, was gone."""


@dataclass(frozen=True)
class Death:
    """The end of a worker process.

    Attributes:
        kind: One of `clipmill.failures`.
        text: For the user.
    """

    kind: str
    text: str


def cause_of_death(process: SpawnProcess, last_words: str) -> Death:
    """Tell a process that was killed, or had no memory, from one that died of its clip.

    Args:
        process: Dead.
        last_words: End of what it said on stderr.
    """
    process.join()
    code = process.exitcode or 0
    text = f"the worker process ended with exit code {code}"
    if code < 0:
        text = f"the worker process was killed by {_name(-code)}"
    if kind_of_text(last_words) == "memory":
        said = next(line for line in last_words.splitlines() if kind_of_text(line) == "memory")
        return Death("killed", f"{text}; it had no memory left: {said.strip()[:200]}")
    if -code in _OUTSIDE:
        hint = "; was the machine out of memory?" if code == -signal.SIGKILL else ""
        return Death("killed", f"{text} from outside{hint}")
    if code < 0 and _memory_is_limited():
        return Death("killed", f"{text}; its memory is limited (`ulimit -v`)")
    return Death("crash", text)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _memory_is_limited() -> bool:
    """Tell whether libraries that do not check for memory may have died of its lack."""
    limits = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
    return any(resource.getrlimit(limit)[0] != resource.RLIM_INFINITY for limit in limits)
