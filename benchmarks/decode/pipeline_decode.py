"""Decode work of a whole pipeline against one whole-file rawvideo decode per stage.

    python benchmarks/decode/pipeline_decode.py --input videos/ [--profile embedded]

Runs the pipeline once in this process and notes every request that its stages make to the frame
reader. Then replays those requests alone, and for comparison does what chains of scripts do: for
every clip of every stage that reads frames, pipe the whole file through ffmpeg as raw RGB and keep
it. CPU seconds of this process and its children.
"""

import argparse
import contextlib
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from cpu_time import timed

from clipmill.annotations.base import ClipInput
from clipmill.config import SourceConfig, load_profile
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline import run_pipeline
from clipmill.store.workspace import Workspace
from clipmill.video import VideoReader, index_video


@dataclass
class Requests:
    """What the stages asked for, and which clips each stage opened."""

    calls: list[tuple[str, Callable[[VideoReader], None], Any]] = field(default_factory=list)
    opened: dict[tuple[str, str], str] = field(default_factory=dict)
    stage: str = ""


@contextlib.contextmanager
def noted(requests: Requests) -> Iterator[None]:
    """Note the calls to every reader inside the block."""
    opened, frames, stream = ClipInput.open, VideoReader.frames, VideoReader.stream

    def noted_open(item: ClipInput) -> VideoReader:
        requests.opened[requests.stage, item.clip.clip_id] = item.video.uri
        return opened(item)

    def noted_frames(reader: VideoReader, indices: Any, **options: Any) -> Any:
        wanted = list(indices)
        requests.calls.append(
            (str(reader.uri), lambda r: (r.frames(wanted, **options), None)[1], reader.index)
        )
        return frames(reader, wanted, **options)

    def noted_stream(reader: VideoReader, start: int, end: int, **options: Any) -> Any:
        seen = 0
        try:
            for frame in stream(reader, start, end, **options):
                seen = frame.index + 1
                yield frame
        finally:
            stop = seen

            def replay(r: VideoReader) -> None:
                for _ in r.stream(start, max(stop, start + 1), **options):
                    pass

            requests.calls.append((str(reader.uri), replay, reader.index))

    ClipInput.open = noted_open  # type: ignore[method-assign]
    VideoReader.frames = noted_frames  # type: ignore[method-assign]
    VideoReader.stream = noted_stream  # type: ignore[method-assign]
    try:
        yield
    finally:
        ClipInput.open = opened  # type: ignore[method-assign]
        VideoReader.frames, VideoReader.stream = frames, stream  # type: ignore[method-assign]


def naive_decode(path: str) -> None:
    """Pipe a whole file as raw RGB into memory."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-vsync", "0", "-f", "rawvideo",
         "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=False,
    )  # fmt: skip
    np.frombuffer(done.stdout, np.uint8)


class Note:
    """Tells the requests which stage is running."""

    def __init__(self, requests: Requests) -> None:
        self.requests = requests

    def stage_begins(self, title: str, *, total: int, pending: int) -> None:
        self.requests.stage = title

    def committed(self, outcomes: Any) -> None: ...

    def step_done(self, report: Any) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", required=True)
    parser.add_argument("--profile", default="embedded")
    options = parser.parse_args()
    source = SourceConfig(path=str(Path(options.input).absolute()))
    pipeline = load_profile(options.profile).model_copy(update={"sources": (source,)})
    requests = Requests()
    with tempfile.TemporaryDirectory() as folder, noted(requests):
        run_pipeline(
            pipeline,
            Workspace.open(folder, create=True),
            engine=InProcessEngine(),
            observer=Note(requests),  # type: ignore[arg-type]
        )
    videos = sorted(p for p in Path(options.input).iterdir() if p.suffix in {".mp4", ".avi", ".mkv",
                                                                            ".webm"})  # fmt: skip

    def index_all() -> None:
        for path in videos:
            with contextlib.suppress(Exception):
                index_video(str(path))

    def replay_all() -> None:
        for uri, call, index in requests.calls:
            with VideoReader(uri, index=index) as reader:
                call(reader)

    def naive_all() -> None:
        for path in [str(p) for p in videos] + list(requests.opened.values()):
            naive_decode(path)

    index, replay = timed(index_all), timed(replay_all)
    naive = timed(naive_all)
    print(f"clips opened by stage: {dict(Counter(stage for stage, _ in requests.opened))}")
    print(f"{'demux indexes':<44}{index:>9.1f} CPU s")
    print(f"{'frames, as the stages asked for them':<44}{replay:>9.1f} CPU s")
    print(f"{'one whole-file rawvideo decode per stage':<44}{naive:>9.1f} CPU s")
    print(f"{'ratio (bar: 4)':<44}{naive / (index + replay):>9.1f}")


if __name__ == "__main__":
    main()
