"""How far float32, TF32 and bfloat16 are from the published networks' outputs.

The outputs were made with weights by formula (`tests/support/golden_weights.py`), in float32 on a
CPU.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import golden_weights
import numpy as np
import torch

from clipmill.annotations.shots.frames.windows import MARGIN, STEP, windows_of
from clipmill.models.autoshot import UNUSED, AutoShot, FusedAutoShot
from clipmill.models.device import full_precision
from clipmill.models.folding import fold_batch_norms
from clipmill.models.ic9600 import ICNet
from clipmill.models.vggt4track import pose
from clipmill.models.vggt4track.config import VGGTConfig
from clipmill.models.vggt4track.model import VGGT4Track
from clipmill.models.vggt4track.preprocess import resize

Figures = dict[str, float]
Row = dict[str, Any]

_THRESHOLD = 0.296
_REDUCED = VGGTConfig(
    width=384, depth=4, heads=16, patch_depth=3, patch_heads=6, camera_depth=2, camera_heads=16
)


def compare(goldens: Path, device: torch.device) -> Iterator[list[Row]]:
    """Yield, network by network, rows with the largest difference in each precision.

    Args:
        goldens: Folder of the goldens; those of the full VGGT4Track are taken if they are there.
        device: Where networks run.
    """
    yield _rows("AutoShot", partial(_autoshot, goldens, device), device)
    yield _rows("IC9600", partial(_icnet, goldens, device), device)
    for name, sizes in (("reduced", _REDUCED), ("full", VGGTConfig())):
        if (goldens / f"vggt4track_{name}.npz").is_file():
            run = partial(_vggt, goldens, device, name, sizes)
            yield _rows(f"VGGT4Track, {name}", run, device)


def _rows(
    network: str, load: Callable[[], Callable[[], Figures]], device: torch.device
) -> list[Row]:
    run = load()
    kinds = {"float32": _float32(device), "bfloat16": torch.autocast(device.type, torch.bfloat16)}
    if device.type == "cuda":
        kinds["tf32"] = _tf32()
    figures = {}
    for kind, precision in kinds.items():
        with torch.inference_mode(), precision:
            figures[kind] = run()
    return [
        {"network": network, "what": what, **{kind: f[what] for kind, f in figures.items()}}
        for what in figures["float32"]
    ]


def _float32(device: torch.device) -> AbstractContextManager[Any]:
    return full_precision(device)


def _tf32() -> AbstractContextManager[Any]:
    """Return what cuDNN does unless told otherwise."""
    return torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=True
    )


def _weights(goldens: Path, name: str) -> dict[str, torch.Tensor]:
    manifest = goldens / f"{name}.manifest.json"
    gain = json.loads(manifest.read_text("utf-8"))["gain"]
    shapes = golden_weights.manifest_shapes(manifest)
    with ThreadPoolExecutor() as pool:
        values = pool.map(lambda key: golden_weights.fill(key, shapes[key], gain=gain), shapes)
        return {key: torch.from_numpy(np.asarray(v)) for key, v in zip(shapes, values, strict=True)}


def _autoshot(goldens: Path, device: torch.device) -> Callable[[], Figures]:
    network = AutoShot().eval()
    state = _weights(goldens, "autoshot")
    network.load_state_dict({key: v for key, v in state.items() if key not in UNUSED})
    fused = FusedAutoShot(network).to(device)
    with np.load(goldens / "autoshot.npz") as file:
        golden = dict(file)

    def probabilities() -> np.ndarray:
        windows = torch.from_numpy(windows_of(golden["clip130_u8"])).to(device)
        middle = torch.sigmoid(fused(windows).float())[:, MARGIN : MARGIN + STEP]
        return middle.cpu().numpy().ravel()[: len(golden["clip130_u8"])]

    def run() -> Figures:
        logits = fused(torch.from_numpy(golden["input_u8"])[None].to(device)).float().cpu().numpy()
        found, true = probabilities(), golden["clip130_probs"].ravel()
        flips = ((found > _THRESHOLD) != (true > _THRESHOLD)).sum()
        return {
            "logits, largest difference": _largest(logits.ravel(), golden["one_hot"].ravel()),
            "probabilities, largest difference": _largest(found, true),
            f"frames of {len(true)} on the other side of {_THRESHOLD}": float(flips),
        }

    return run


def _icnet(goldens: Path, device: torch.device) -> Callable[[], Figures]:
    network = ICNet().eval()
    network.load_state_dict(_weights(goldens, "icnet"))
    fold_batch_norms(network)
    network = network.to(device, memory_format=torch.channels_last)
    with np.load(goldens / "icnet.npz") as file:
        pictures, wanted = torch.from_numpy(file["images_u8"]).to(device), file["score_b2"]
    return lambda: {
        "score, largest difference": _largest(network.score(pictures).float().cpu().numpy(), wanted)
    }


def _vggt(
    goldens: Path, device: torch.device, name: str, sizes: VGGTConfig
) -> Callable[[], Figures]:
    state = _weights(goldens, f"vggt4track_{name}")
    with device:
        network = VGGT4Track(sizes).eval()
    network.load_state_dict({key: state[key] for key in network.state_dict()})
    with np.load(goldens / f"vggt4track_{name}.npz") as file:
        stored = dict(file)
    cases = sorted({key.split("/")[0] for key in stored if "/" in key})

    def one(case: str) -> Figures:
        images = torch.from_numpy(stored[f"{case}/images_u8"]).permute(0, 3, 1, 2).float() / 255
        encoding = network(resize(images)[None].to(device)).cpu().double()
        true = torch.from_numpy(stored[f"{case}/pose_enc_list"][-1]).double()
        ours, theirs = pose.world_to_camera(encoding), pose.world_to_camera(true)
        turn = ours[..., :3, :3].mT @ theirs[..., :3, :3]
        cosine = ((turn.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2).clamp(-1, 1)
        fields = encoding[..., 7:] / true[..., 7:] - 1
        return {
            "rotation, degrees": float(torch.rad2deg(torch.acos(cosine)).max()),
            "translation, largest difference": float((encoding - true)[..., :3].abs().max()),
            "field of view, largest relative difference": float(fields.abs().max()),
        }

    def run() -> Figures:
        figures = [one(case) for case in cases]
        return {what: max(f[what] for f in figures) for what in figures[0]}

    return run


def _largest(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found - wanted).max())
