"""Clips whose every frame shows its own number in blocks, and a box that goes to and fro.

The number stands in the top row, 16 blocks of 12 pixels, lowest bit first. A browser test reads it
back from a canvas, so it knows which frame is really shown.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.run import run_pipeline
from clipmill.store.workspace import Workspace
from clipmill.video.writing.plain_writer import write_video

WIDTH, HEIGHT = 192, 108
BLOCK, BITS = 12, 16
BOX = 30
"""Side of the box that moves."""

LONG = 10_080
"""Frames of the long clip."""

EVIL = 'evil <img src=x onerror=window.pwned=1> "q".mp4'

PIPELINE = """
name: counted
steps:
  - annotate: probe
  - annotate: shots
    backend: counted_backends:Shots
  - split: shots
    min_frames: 50
  - annotate: quality
    backend: counted_backends:Quality
  - select: quality
    rules:
      - {column: quality.clarity, min: 100, reason: blurred}
  - annotate: objects
    backend: counted_backends:Objects
  - annotate: camera
    backend: counted_backends:Camera
  - annotate: tracks
    backend: counted_backends:Tracks
  - annotate: inout
    backend: counted_backends:InOut
  - samples: training
"""

READ_NUMBER = f"""(() => {{
  const canvas = document.getElementById("picture"), c = canvas.getContext("2d");
  const scale = canvas.width / {WIDTH};
  let number = 0;
  for (let k = 0; k < {BITS}; k++) {{
    const at = [(k + 0.5) * {BLOCK} * scale, 0.5 * {BLOCK} * scale].map(Math.round);
    number += c.getImageData(at[0], at[1], 1, 1).data[0] > 127 ? 2 ** k : 0;
  }}
  return number;
}})()"""
"""Gives the number that the canvas of the page of a clip shows."""


def box_left(frame: int) -> int:
    """Return the left edge of the box: 150 frames there, 150 back."""
    step = frame % 300
    return step if step < 150 else 300 - step


def draw(frame: int) -> npt.NDArray[np.uint8]:
    """Return the picture of a frame, uint8 [H, W, 3]."""
    picture = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    for bit in range(BITS):
        on = frame >> bit & 1
        picture[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 * on
    left = box_left(frame)
    picture[50 : 50 + BOX, left : left + BOX] = (230, 200, 40)
    return picture


def _frames(count: int) -> Iterator[npt.NDArray[np.uint8]]:
    for frame in range(count):
        yield draw(frame)


def build_counted(folder: Path) -> Workspace:
    """Make videos and run the pipeline on them, into `folder/workspace`.

    `long.mp4`, `cut.mp4` (a cut at 120), one with a hostile name, `gone.mp4`, which is removed
    after the run, `blurred.mp4`, which is dropped, and `broken.mp4`, which is no video.
    """
    lengths = {"long.mp4": LONG, "cut.mp4": 300, EVIL: 260, "gone.mp4": 250, "blurred.mp4": 240}
    write_counted(folder / "videos", lengths)
    (folder / "videos" / "broken.mp4").write_text("this is no video")
    workspace = run_counted(folder)
    (folder / "videos" / "gone.mp4").unlink()
    return workspace


def write_counted(videos: Path, lengths: Mapping[str, int]) -> None:
    """Write videos of so many frames into a new folder."""
    videos.mkdir(parents=True)
    for name, count in lengths.items():
        write_video(videos / name, _frames(count), 25, crf=20)


def run_counted(folder: Path, text: str = PIPELINE) -> Workspace:
    """Run a pipeline over `folder/videos`, into `folder/workspace`."""
    workspace = Workspace.open(folder / "workspace", create=True)
    pipeline = parse_pipeline(text, name="counted")
    source = SourceConfig(path=str(folder / "videos"))
    pipeline = pipeline.model_copy(update={"sources": (source,)})
    run_pipeline(pipeline, workspace, engine=InProcessEngine())
    return workspace
