"""`python -m clipmill`: the command line where the program is not on the path."""

import sys
from pathlib import Path

from clipmill.cli import main

_PACKAGE = Path(__file__).parent

if __name__ == "__main__":
    if not sys.flags.safe_path and Path(sys.path[0]) != _PACKAGE.parent:
        # Python puts the current directory there, and a `numpy.py` in it before all libraries.
        del sys.path[0]
    main()
