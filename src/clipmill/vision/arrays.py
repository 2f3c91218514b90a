"""Array types of geometry: pictures, points, matrices."""

from typing import Any

import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
"""uint8 [H, W]."""

Points = npt.NDArray[np.float32]
"""float32 [N, 2], x right, y down."""

Matrix = npt.NDArray[np.float64]
"""float64 [3, 3]."""

Flags = npt.NDArray[np.bool_]
"""bool [N] or [T, N]."""

Floats = npt.NDArray[np.floating[Any]]
"""Points are [N, 2], x right, y down; tracks are [T, N, 2]."""
