"""Random checkpoints of the published quality scores."""

import math
from pathlib import Path
from typing import Any

import torch
from tiny_models import write_archive

from clipmill.annotations.quality.frameino import SCORES
from clipmill.models.image_scores.clip_iqa import ClipModel
from clipmill.models.image_scores.craft import Craft
from clipmill.models.image_scores.nima import NimaNetwork
from gpu_chain.own_networks import write_ic9600

_RN50 = {"outputs": 1024, "blocks": (3, 4, 6, 3), "width": 64, "text": 512, "layers": 12}
_TINY_CLIP = {"outputs": 64, "blocks": (1, 1, 1, 1), "width": 32, "text": 64, "layers": 1}
"""CLIP's sizes: length of vectors, blocks and width of the ResNet, width and layers of texts."""


def write_quality(folder: Path, device: torch.device, *, tiny: bool) -> dict[str, Any]:
    """Write a checkpoint for every score, and name them all."""
    weights = {}
    for name in SCORES:
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
    return {"scores": list(SCORES), "weights": weights}


def _write_craft(folder: Path) -> None:
    """Write EasyOCR's detector; as it is initialised it finds no text, like most frames hold."""
    network = Craft()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.xavier_uniform_(module.weight)
            torch.nn.init.zeros_(module.bias)
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save(state, folder / "craft_mlt_25k.pth")


def _write_clip_iqa(folder: Path, sizes: dict[str, Any]) -> None:
    """Write CLIP as the TorchScript archive that is published, and the learned prompts."""
    width, text = sizes["width"], sizes["text"]
    shapes: dict[str, tuple[int, ...]] = {
        "token_embedding.weight": (49408, text),
        "positional_embedding": (77, text),
        "text_projection": (text, sizes["outputs"]),
        "visual.conv3.weight": (width, width // 2, 3, 3),
        "visual.attnpool.positional_embedding": (50, 32 * width),
    }
    for stage, blocks in enumerate(sizes["blocks"], start=1):
        shapes |= {f"visual.layer{stage}.{block}": () for block in range(blocks)}
    shapes |= {f"transformer.resblocks.{layer}": () for layer in range(sizes["layers"])}
    clip = ClipModel(shapes)
    with torch.no_grad():
        for value in (clip.positional_embedding, clip.text_projection):
            value.normal_(std=0.02)
        clip.visual.attnpool.positional_embedding.normal_()
        clip.logit_scale.fill_(math.log(1 / 0.07))
    write_archive(clip.state_dict(), folder / "RN50.pt")
    torch.save(torch.randn(2, 16, text), folder / "CLIP-IQA+_learned_prompts-603f3273.pth")


def _write_nima(folder: Path) -> None:
    state = {"params": NimaNetwork().state_dict()}
    torch.save(state, folder / "NIMA_InceptionV2_ava-b0c77c00.pth")
