"""A workspace of a few tiny clips with names and captions that break careless pages."""

import json
from pathlib import Path

from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.run import run_pipeline
from clipmill.store.workspace import Workspace
from media import make_clip

SCRIPT = "<img src=x onerror=window.pwned=1>"
LONG_CAPTION = f"a very long story {SCRIPT} " + "word " * 2_000_000 + "ends in Timbuktu"
"""10 MB."""

NAMES = ("one.mp4", f"{SCRIPT}.mp4", "long.mp4", "short.mp4")

_PIPELINE = """
name: tiny
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.num_frames, min: 20, reason: too short}
"""


def make_tiny_run(folder: Path) -> Workspace:
    """Make `folder/videos` and run a pipeline without pictures on them into `folder/workspace`."""
    videos = folder / "videos"
    videos.mkdir(parents=True)
    for number, name in enumerate(NAMES):
        make_clip(videos / name, frames=10 if name == "short.mp4" else 30 + number)
    captions = {"one.mp4": "A red Ball rolls", "long.mp4": LONG_CAPTION}
    rows = [{"video": name, "caption": captions.get(name, "")} for name in NAMES]
    listed = videos / "videos.jsonl"
    listed.write_text("".join(json.dumps(row) + "\n" for row in rows))
    workspace = Workspace.open(folder / "workspace", create=True)
    pipeline = parse_pipeline(_PIPELINE, name="tiny")
    pipeline = pipeline.model_copy(update={"sources": (SourceConfig(path=str(listed)),)})
    run_pipeline(pipeline, workspace, engine=InProcessEngine())
    return workspace
