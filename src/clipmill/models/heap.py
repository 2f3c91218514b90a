"""Memory that loading a network leaves behind."""

import ctypes
import gc


def give_back_memory() -> None:
    """Return freed memory to the system.

    Parsing weights allocates a few times their size in pieces that the C library keeps for later
    when they are freed; nothing needs as much again. Does nothing where the library is not glibc.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
