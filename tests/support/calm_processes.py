"""Set before anything else is imported: what all test processes and those they start live by."""

import os
import sys

# Tests run in two processes on two cores: more threads would only wait for each other, and some
# libraries wait by spinning. OpenCV knows none of the usual names.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")

# Modules are compiled once, not in each of the hundreds of processes that tests start, even where
# the environment asks Python to keep nothing (as container images do).
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
