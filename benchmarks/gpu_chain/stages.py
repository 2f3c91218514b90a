"""The stages of the profile `frameino` that the benchmark runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from gpu_chain import captioner, library_networks, own_networks, quality_networks

Settings = dict[str, Any]


def _nothing(folder: Path, device: torch.device, *, tiny: bool) -> Settings:
    """Stand for the weights of a stage without any, or with weights in its package."""
    return {}


@dataclass(frozen=True)
class Stage:
    """A stage.

    Attributes:
        name: In the tables.
        annotation: Name of the annotation.
        backend: Name of the backend.
        network: What its network is.
        write: Writes random weights into a folder and returns the settings that name them.
        settings: Further settings, where a random network needs other ones.
        tiny: Those for tiny networks, on top.
        on_device: Whether the backend has the setting `device`.
        calibrate: Whether its segmenter is set to find about ten segments a picture.
        most_seconds: Longest time to take clips for.
    """

    name: str
    annotation: str
    backend: str
    network: str
    write: Callable[..., Settings] = _nothing
    settings: Mapping[str, Any] = field(default_factory=dict)
    tiny: Mapping[str, Any] = field(default_factory=dict)
    on_device: bool = True
    calibrate: bool = False
    most_seconds: float = float("inf")


# Masks of random weights agree with no track: nothing is refused, so that all work is done.
_AGREEING = {"off_share": 1.0, "max_invalid": 1.0, "max_lost": 1.0}
# Segments of random weights have no size or class that one would want.
_ALL = {"score": 0.0, "overlap": 0.0, "min_area": 0.0, "max_area": 1.0, "classes": ()}

STAGES = (
    Stage(
        "probe", "probe", "embedded", "none: packets are counted",
        on_device=False, most_seconds=1.0,
    ),
    Stage("shots", "shots", "autoshot", "AutoShot", own_networks.write_autoshot),
    Stage("shots-transnetv2", "shots", "transnetv2", "TransNetV2, weights of its package"),
    Stage(
        "quality", "quality", "frameino", "CRAFT, CLIP-IQA+, NIMA, IC9600",
        quality_networks.write_quality,
    ),
    Stage(
        "objects", "objects", "oneformer", "OneFormer Swin-L", library_networks.write_oneformer,
        settings=_ALL, tiny={"width": 160}, calibrate=True,
    ),
    Stage(
        "camera", "camera", "vggt4track", "VGGT4Track", own_networks.write_vggt4track,
        tiny={"step": 12, "max_seconds": 3.0},
    ),
    Stage(
        "tracks", "tracks", "cotracker3", "CoTracker3 offline", own_networks.write_cotracker,
        tiny={"horizon": 3},
    ),
    Stage(
        "inout", "inout", "sam2", "SAM 2.1 hiera-large", library_networks.write_sam2,
        settings=_AGREEING, tiny={"long_side": 96},
    ),
    # Last, as its weights take longest to write and to load.
    Stage(
        "caption", "caption", "transformers", "Qwen2.5-VL 7B", captioner.write_qwen,
        tiny={"long_side": 112},
    ),
)  # fmt: skip
