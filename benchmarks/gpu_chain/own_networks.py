"""Random checkpoints of the networks that clipmill, or a repository's code, defines.

Each is written in the format of the published file, so that the backend's own strict loader reads
it. The large ones draw their weights on the device, which takes no time.
"""

import importlib.util
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from clipmill.models.autoshot import AutoShot
from clipmill.models.ic9600 import ICNet
from clipmill.models.vggt4track.config import VGGTConfig
from clipmill.models.vggt4track.model import VGGT4Track

_TINY_VGGT = VGGTConfig(
    width=32, depth=2, heads=2, patch_depth=1, patch_heads=2, camera_depth=1, camera_heads=2
)

_HUBCONF = '''"""The entry of CoTracker3 that torch.hub loads, over the installed code."""


def cotracker3_offline(*, pretrained=True, **_):
    from cotracker.predictor import CoTrackerPredictor

    assert not pretrained
    return CoTrackerPredictor(checkpoint=None, window_len=60, v2=False)
'''


def write_autoshot(folder: Path, device: torch.device, *, tiny: bool) -> dict[str, Any]:
    """Write AutoShot's checkpoint; there is one size only."""
    torch.save({"net": AutoShot().state_dict()}, folder / "autoshot.pth")
    return {"weights": str(folder / "autoshot.pth")}


def write_ic9600(folder: Path) -> str:
    """Write ICNet's checkpoint; there is one size only."""
    torch.save(ICNet().state_dict(), folder / "ck.pth")
    return str(folder / "ck.pth")


def write_vggt4track(folder: Path, device: torch.device, *, tiny: bool) -> dict[str, Any]:
    """Write VGGT4Track; its published checkpoint has a depth head besides, which is not read."""
    from safetensors.torch import save_file

    sizes = _TINY_VGGT if tiny else VGGTConfig()
    with torch.device("meta"):
        network = VGGT4Track(sizes)
    state = {key: _random(key, value.shape, device) for key, value in network.state_dict().items()}
    # A camera that hardly turns, with a field of view: random encodings could have none.
    state["camera_head.pose_branch.fc2.weight"] *= 0.02
    state["camera_head.pose_branch.fc2.bias"] = torch.tensor([0.0] * 6 + [0.25, 0.2, 0.25])
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"vggt4track": asdict(sizes)}), "utf-8")
    return {"weights": str(folder)}


def _random(key: str, shape: torch.Size, device: torch.device) -> torch.Tensor:
    """Return values of a size that keeps what goes through the network finite, on the CPU."""
    leaf = key.rsplit(".", 1)[-1]
    values = torch.randn(shape, device=device)
    if leaf == "gamma":
        values = 0.3 + 0.1 * values
    elif leaf == "bias" or leaf.endswith(("token", "tokens", "pos_embed")):
        values *= 0.05
    elif len(shape) >= 2:
        values /= shape[1:].numel() ** 0.5
    else:
        values = 1 + 0.1 * values
    return values.cpu()


def write_cotracker(folder: Path, device: torch.device, *, tiny: bool) -> dict[str, Any]:
    """Write CoTracker3's entry and checkpoint, at the published size.

    Raises:
        ModuleNotFoundError: The code of CoTracker is not there; it is no part of clipmill.
    """
    if importlib.util.find_spec("cotracker") is None:
        raise ModuleNotFoundError(
            "the code of CoTracker3 (CC-BY-NC-4.0) is not installed; gather_wheels.py brings it",
            name="cotracker",
        )
    from cotracker.predictor import CoTrackerPredictor  # type: ignore[import-not-found]

    network = CoTrackerPredictor(checkpoint=None, window_len=60, v2=False)
    repository = folder / "hub"
    repository.mkdir()
    (repository / "hubconf.py").write_text(_HUBCONF, "utf-8")
    torch.save(network.model.state_dict(), folder / "scaled_offline.pth")
    return {"repo": str(repository), "weights": str(folder / "scaled_offline.pth")}
