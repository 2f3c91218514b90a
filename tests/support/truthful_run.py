"""A small workspace made by the real pipeline with `truthful_backends`."""

from pathlib import Path

import pytest
from shared_folder import shared_folder

from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.demo.scene import Camera, Scene, Shot, Sprite, render, truth, write_video
from clipmill.demo.truth import save_truth
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.run import run_pipeline
from clipmill.store.workspace import Workspace

HOSTILE = '</script><img src=x onerror="window.pwned=1"><b>\'`&quot;'
"""A caption that breaks careless pages."""

PIPELINE = """
name: truthful
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.width, min: 300, reason: resolution}
      - {column: probe.num_frames, above: 100, reason: too_few_frames}
  - annotate: quality
    backend: truthful_backends:Quality
  - select: quality
    rules:
      - {column: quality.text_area, max: 0.5, reason: too much text}
      - {column: quality.clarity, drop: [[0.0, 0.17]], reason: blurred}
  - annotate: objects
    backend: truthful_backends:Objects
  - select: objects
    rules:
      - {column: objects.num_objects, min: 1, reason: no object}
  - annotate: camera
    backend: truthful_backends:Camera
  - select: camera
    min_population: 20
    rules:
      - {column: camera.rotation, drop: [[0.6, 1.0]], reason: camera turns too much}
  - annotate: caption
    backend: truthful_backends:Caption
  - annotate: tracks
    backend: truthful_backends:Tracks
  - select: motion
    level: object
    rules:
      - {column: tracks.motion_strength, drop: [[0.0, 0.2]], reason: moves too little}
  - annotate: inout
    backend: truthful_backends:InOut
  - samples: training
"""

_FLOWER = Sprite(
    name="flower",
    photo="flower",
    crop=(168, 86, 444, 360),
    size=(96, 96),
    start=(70, 90),
    velocity=(1.7, 0.3),
    spin=0.8,
)
_CUP = Sprite(
    name="cup",
    photo="coffee",
    crop=(75, 12, 482, 378),
    size=(84, 76),
    start=(90, 140),
    velocity=(0.9, -0.2),
    outline="superellipse",
)
_STILL = Sprite(
    name="still",
    photo="chelsea",
    crop=(120, 40, 330, 250),
    size=(90, 90),
    start=(240, 90),
)


def _scene(*sprites: Sprite, frames: int = 150, background: str = "gravel", **more) -> Scene:
    pan = more.pop("pan", (0.0, 0.0))
    shot = Shot(num_frames=frames, background=background, sprites=sprites, camera=Camera(pan=pan))
    size = {"width": 384, "height": 216} | more
    return Scene(shots=(shot,), **size)


SCENES = {
    "walk/flower & cup.mp4": _scene(_CUP, _FLOWER),
    "walk/flower.mp4": _scene(_FLOWER, frames=120, background="grass", pan=(-0.6, 0.0)),
    'evil <img src=x onerror=window.pwned=1>, "é".mp4': _scene(_FLOWER, background="brick"),
    "flower.mp4": _scene(_FLOWER, background="ihc", frames=110),
    "still.mp4": _scene(_STILL, frames=120),
    "empty.mp4": _scene(frames=105, background="rocket"),
    "blurred.mp4": _scene(_CUP, frames=105, blur=3.0),
    "nan.mp4": _scene(_CUP, frames=105),
    "short.mp4": _scene(_CUP, frames=30),
    "narrow.mp4": _scene(_CUP, frames=105, width=240),
}


def build_scene(folder: Path, name: str) -> None:
    """Write one of the scenes with its truth."""
    path, scene = folder / name, SCENES[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, render(scene), scene.fps, crf=23)
    save_truth(path.with_name(path.name + ".truth.json"), truth(scene))


def build_videos(folder: Path) -> None:
    """Write the scenes with their truth, a hostile caption and two broken files."""
    for name in SCENES:
        build_scene(folder, name)
        if name.startswith("evil"):
            (folder / name).with_suffix(".txt").write_text(HOSTILE + "\nsecond, line", "utf-8")
    (folder / "broken <b>.mp4").write_text("this is no video")
    (folder / "zero.mp4").touch()


def build_workspace(folder: Path) -> Workspace:
    """Make `folder/videos` and run the pipeline on them into `folder/workspace`."""
    build_videos(folder / "videos")
    return run_on(folder)


def run_on(folder: Path) -> Workspace:
    """Run the pipeline on `folder/videos` into `folder/workspace`."""
    videos = folder / "videos"
    workspace = Workspace.open(folder / "workspace", create=True)
    pipeline = parse_pipeline(PIPELINE, name="truthful")
    pipeline = pipeline.model_copy(update={"sources": (SourceConfig(path=str(videos)),)})
    run_pipeline(pipeline, workspace, engine=InProcessEngine())
    return workspace


def shared_workspace(factory: pytest.TempPathFactory) -> Workspace:
    """Return one workspace for all tests of a session, also over several test processes.

    Nobody may write into it or touch its videos: other processes look at them meanwhile.
    """
    folder = shared_folder(factory, "truthful", build_workspace)
    return Workspace.open(folder / "workspace")
