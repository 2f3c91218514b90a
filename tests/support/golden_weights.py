"""Weights by formula, for networks whose trained weights no test can have.

The golden files were made with the same formula, so outputs can be compared: the weight of a key
depends on its name and shape only, and needs numpy only.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

GOLDENS = Path(__file__).parents[1] / "goldens"

_TOKENS = (
    "cls_token", "register_tokens", "mask_token", "pos_embed", "camera_token", "register_token",
    "empty_pose_tokens",
)  # fmt: skip

# Scaled and shifted so that outputs do not saturate.
_SCALE = {
    "cls_layer1.linear.weight": 0.2,
    "head.2.weight": 0.1,
    "to_map.to_map.0.weight": 0.05,
    "camera_head.pose_branch.fc2.weight": 0.1,
}
_SHIFT: dict[str, Any] = {
    "cls_layer1.linear.bias": [2.8],
    "camera_head.pose_branch.fc2.bias": [0, 0, 0, 0, 0, 0, 0.25, 0.2, 0.25],
}


def fill(key: str, shape: Sequence[int], *, gain: float = 1.0) -> np.ndarray:
    """Return the weight of a key: float32, or int64 zeros for `num_batches_tracked`."""
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    count = int(np.prod(shape, dtype=np.int64))
    uniform = np.random.default_rng(zlib.crc32(key.encode())).random(count)
    values = ((2 * uniform - 1) * np.sqrt(3.0)).reshape(shape)  # mean 0, variance 1
    if leaf == "running_var":
        values = 1 + 0.25 * values
    elif leaf == "running_mean":
        values = 0.1 * values
    elif leaf == "gamma":
        values = 0.3 + 0.1 * values
    elif leaf in _TOKENS:
        values = 0.5 * values
    elif len(shape) >= 2:
        fan_in = np.prod(shape[1:], dtype=np.float64)
        values = _SCALE.get(key, 1.0) * gain * values / np.sqrt(fan_in)
    elif leaf == "bias":
        values = np.array(_SHIFT.get(key, 0.0)) + 0.05 * values
    else:
        values = 1 + 0.1 * values
    return values.astype(np.float32)


def filled(shapes: Mapping[str, Sequence[int]], *, gain: float = 1.0) -> dict[str, np.ndarray]:
    """Return the weights of all keys."""
    return {key: fill(key, shape, gain=gain) for key, shape in shapes.items()}


def manifest_shapes(path: Path) -> dict[str, list[int]]:
    """Return key -> shape of a golden's manifest, after checking the formula on its probes."""
    manifest = json.loads(path.read_text("utf-8"))
    shapes = {key: shape for key, (shape, _) in manifest["keys"].items()}
    for key, first in manifest["probes"].items():
        values = fill(key, shapes[key], gain=manifest["gain"]).ravel()[: len(first)]
        np.testing.assert_allclose(values, first, rtol=1e-6, err_msg=key)
    return shapes
