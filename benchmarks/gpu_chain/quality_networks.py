"""Random checkpoints of the published quality scores, those whose packages are installed."""

import importlib.util
from pathlib import Path
from typing import Any

import torch

from clipmill.annotations.quality.frameino import SCORES
from gpu_chain.own_networks import write_ic9600

_RN50 = (1024, 224, (3, 4, 6, 3), 64, None, 77, 49408, 512, 8, 12)
_TINY_CLIP = (64, 224, (1, 1, 1, 1), 32, None, 77, 49408, 64, 1, 1)
"""CLIP's sizes: embedding; picture side, layers, width, patch; text length, words, width, heads,
layers."""


def write_quality(folder: Path, device: torch.device, *, tiny: bool) -> dict[str, Any]:
    """Write a checkpoint for every score whose packages are installed, and name those scores."""
    found = [name for name, spec in SCORES.items() if all(map(_installed, spec.modules))]
    weights = {}
    for name in found:
        target = folder / name
        target.mkdir()
        weights[name] = str(target)
        if name == "text":
            _write_craft(target)
        elif name == "image_quality":
            _write_clip_iqa(target, _TINY_CLIP if tiny else _RN50)
        elif name == "aesthetic":
            _write_nima(target)
        else:
            weights[name] = write_ic9600(target)
    return {"scores": found, "weights": weights}


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _write_craft(folder: Path) -> None:
    """Write EasyOCR's detector; as it is initialised it finds no text, like most frames hold."""
    from easyocr.craft import CRAFT  # type: ignore[import-not-found]

    network = CRAFT(pretrained=False)
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save(state, folder / "craft_mlt_25k.pth")


def _write_clip_iqa(folder: Path, sizes: tuple[Any, ...]) -> None:
    """Write CLIP as the TorchScript archive that is published, and the learned prompts."""
    from pyiqa.archs.clip_model import CLIP  # type: ignore[import-not-found]

    clip = CLIP(*sizes).eval()
    example = (torch.zeros(1, 3, 224, 224), torch.ones(1, 77, dtype=torch.long))
    torch.jit.trace(clip, example, check_trace=False).save(str(folder / "RN50.pt"))
    torch.save(torch.randn(2, 16, sizes[7]), folder / "CLIP-IQA+_learned_prompts-603f3273.pth")


def _write_nima(folder: Path) -> None:
    from clipmill.annotations.quality.scores import nima

    state = {"params": nima._network().state_dict()}
    torch.save(state, folder / "NIMA_InceptionV2_ava-b0c77c00.pth")
