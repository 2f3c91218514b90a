"""Array types of this package."""

from typing import Any

import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
"""uint8 [H, W]."""

Floats = npt.NDArray[np.floating[Any]]
"""Points are [N, 2], x right, y down; tracks are [T, N, 2]."""

Flags = npt.NDArray[np.bool_]
"""bool [N] or [T, N]."""
