"""The whole profile `frameino`, its models tiny and random but loaded from the real formats."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
from golden_weights import GOLDENS, filled, manifest_shapes
from moving_scenes import face, scene
from pipelines import look, run

from clipmill.config import AnnotateStep, Pipeline, ShotsSplit, SourceConfig
from clipmill.config.load import load_profile
from clipmill.demo.scene import render, write_video
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace

torch = pytest.importorskip("torch", reason="needs the extra 'models'")
pytest.importorskip("transformers", reason="needs the extra 'models'")
pytestmark = pytest.mark.slow

VGGT_SIZES = {
    **{"width": 32, "depth": 2, "heads": 2, "patch_depth": 1, "patch_heads": 2},
    **{"camera_depth": 1, "camera_heads": 2},
}


def save_filled(path: Path, manifest: str, *, container: str = "") -> str:
    """A published network with the goldens' formula weights, as its checkpoint file."""
    weights = filled(manifest_shapes(GOLDENS / manifest), gain=2**0.5)
    state: dict[str, Any] = {k: torch.from_numpy(np.asarray(v)) for k, v in weights.items()}
    torch.save({container: state} if container else state, path)
    return str(path)


def save_vggt(folder: Path) -> str:
    from safetensors.numpy import save_file

    from clipmill.models.vggt4track.config import VGGTConfig
    from clipmill.models.vggt4track.model import VGGT4Track

    with torch.device("meta"):
        state = VGGT4Track(VGGTConfig(**VGGT_SIZES)).state_dict()
    folder.mkdir()
    save_file(filled({k: tuple(v.shape) for k, v in state.items()}), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"vggt4track": VGGT_SIZES}))
    return str(folder)


def quality_config(folder: Path, icnet: str) -> dict[str, Any]:
    """All scores of the profile."""
    tiny_models.write_craft(folder)
    tiny_models.write_clip_iqa(folder)
    tiny_models.write_nima(folder)
    names = ("text", "image_quality", "aesthetic")
    return {"weights": {"complexity": icnet} | dict.fromkeys(names, str(folder))}


def tiny_configs(folder: Path) -> dict[str, dict[str, Any]]:
    """Settings by annotation that put a tiny checkpoint in the place of the published one."""
    repo, tracker = tiny_models.write_cotracker(folder / "cotracker")
    cpu = {"device": "cpu"}
    anything = {"score": 0.0, "overlap": 0.0, "min_area": 0.0, "max_area": 1.0, "classes": ()}
    icnet = save_filled(folder / "ck.pth", "icnet.manifest.json")
    return {
        "shots": cpu
        | {"weights": save_filled(folder / "shots.pth", "autoshot.manifest.json", container="net")},
        "quality": cpu | quality_config(folder, icnet),
        "objects": cpu
        | anything
        | {"weights": str(tiny_models.write_oneformer(folder / "oneformer")), "width": 160},
        "camera": cpu | {"weights": save_vggt(folder / "vggt"), "step": 15},
        "caption": cpu | {"weights": str(tiny_models.write_qwen(folder / "qwen"))},
        "tracks": cpu | {"repo": str(repo), "weights": str(tracker), "horizon": 60},
        "inout": cpu
        | {"weights": str(tiny_models.write_sam2(folder / "sam2")), "min_box_share": 0.0},
    }


def with_tiny_models(folder: Path, videos: Path) -> Pipeline:
    """The profile with tiny checkpoints."""
    configs = tiny_configs(folder)
    steps: list[Any] = []
    for step in load_profile("frameino").steps:
        if isinstance(step, AnnotateStep) and step.annotate in configs:
            update: dict[str, Any] = {"config": configs[step.annotate]}
            if step.annotate == "caption":
                update["backend"] = "transformers"  # the server has a test of its own
            steps.append(step.model_copy(update=update))
        elif isinstance(step, ShotsSplit):
            # Formula weights see a cut in every second frame.
            steps.append(step.model_copy(update={"threshold": 1.0}))
        else:
            steps.append(step)
    source = SourceConfig(path=str(videos))
    return load_profile("frameino").model_copy(update={"steps": tuple(steps), "sources": (source,)})


def test_the_whole_profile_from_videos_to_samples(tmp_path):
    (tmp_path / "videos").mkdir()
    for name, background in (("a.mp4", "china"), ("b.mp4", "gravel")):
        moving = face(start=(100.0, 150.0), velocity=(1.0, 0.0))
        made = replace(scene(moving, length=120, background=background), width=480, height=300)
        write_video(tmp_path / "videos" / name, render(made), made.fps)
    (tmp_path / "videos" / "broken.mp4").write_text("no video")
    (tmp_path / "models").mkdir()
    pipeline = with_tiny_models(tmp_path / "models", tmp_path / "videos")
    summary = run(pipeline, tmp_path / "ws")
    failures = [
        (report.title, row["rule"])
        for report in summary.reports
        for row in report.verdicts.to_pylist()
        if row["state"] == "failed"
    ]
    assert [title for title, _ in failures] == ["probe"], failures
    samples = list(read_samples(Workspace.open(tmp_path / "ws")))
    assert samples, [(r.title, r.entering, r.leaving) for r in summary.reports]
    assert all(sample.caption_origin == "model" and sample.caption for sample in samples)
    assert any("CC-BY-NC-4.0" in note for note in samples[0].non_commercial)
    # Everything is on disk now: a second run computes nothing and ends the same.
    again = run(pipeline, tmp_path / "ws")
    assert set(again.computed.values()) == {0}
    assert again.samples == summary.samples == len(samples)
    manifest = json.loads(
        next((tmp_path / "ws" / "annotations" / "tracks").glob("*/manifest.json")).read_text()
    )
    assert manifest["non_commercial"]
    assert look(pipeline, tmp_path / "ws")["samples"].samples == len(samples)
