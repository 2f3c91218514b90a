"""CPU seconds of pieces of work."""

import resource
from collections.abc import Callable


def cpu_seconds() -> float:
    """CPU time of this process and of its finished children."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of a piece of work."""
    before = cpu_seconds()
    work()
    return cpu_seconds() - before
