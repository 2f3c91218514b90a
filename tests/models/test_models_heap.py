import ctypes
from pathlib import Path

import numpy as np
import pytest

from clipmill.models.heap import give_back_memory

STATUS = Path("/proc/self/status")


def resident():
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1])


@pytest.mark.skipif(
    not STATUS.exists() or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc"
)
def test_freed_memory_goes_back_to_the_system():
    """Small pieces are kept by the C library when one above them is still in use."""
    pieces = [np.ones(8000, np.float64) for _ in range(2000)]
    last = np.ones(8000)
    del pieces
    held = resident()
    give_back_memory()
    assert last[0] == 1
    assert resident() < held - 50_000
