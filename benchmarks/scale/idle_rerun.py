"""What a run costs that finds nothing to do: CPU seconds of the second run over many videos.

    python benchmarks/scale/idle_rerun.py [--videos 30000] [--repeats 3]

Files are real (and tiny: an idle run does not open them), half of them have a caption beside them;
rows are made up. The steps of the profile `embedded` up to `caption` are walked: a run with
`--until` remembers no walk. `population.py` measures one that does.
"""

import argparse
import hashlib
import resource
import tempfile
import time
import typing
from collections.abc import Generator, Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clipmill.annotations.base import ClipInput
from clipmill.annotations.registry import find_backend
from clipmill.config import SourceConfig, load_profile
from clipmill.engine.base import Engine, Item, Resources
from clipmill.engine.spec import StageSpec
from clipmill.pipeline import run_pipeline
from clipmill.store.annotations import Outcome
from clipmill.store.codecs import encode_array
from clipmill.store.workspace import Workspace

FRAMES = 120
KNOWN = {
    "width": 1280,
    "height": 720,
    "aspect_ratio": 16 / 9,
    "fps": 25.0,
    "num_frames": FRAMES,
    "num_decoded": FRAMES,
    "threshold": 0.5,
    "scores": encode_array(np.zeros(FRAMES, np.float32)),
    "text_area": 0.0,
    "convertible": True,
    "sample_aspect": 1.0,
    "damaged_frames": 0,
    "first_damaged": None,
}
LOT = 4096


class MadeUp(Engine):
    """An engine that commits made-up rows."""

    resources = Resources(processes=0, cpu_threads=1)
    peak_rss = 0

    def close(self) -> None:
        """There is nothing to release."""

    def run(self, spec: StageSpec, items: Iterable[Item]) -> Generator[list[Outcome], None, None]:
        row = find_backend(spec.annotation, spec.backend).Row
        lot = []
        for key, item in items:
            lot.append(Outcome(key, made_up(row, item), seconds=0.01))
            if len(lot) == LOT:
                yield lot
                lot = []
        yield lot


def made_up(row: type, item: ClipInput) -> Any:
    """Return a row of plausible values that lets its clip pass."""
    own = {"content": hashlib.md5(item.video.uri.encode()).hexdigest()}
    if "given" in {field.name for field in fields(row)}:
        from clipmill.clips import text_id_for

        own["given"] = text_id_for(item.video.text)
    hints = typing.get_type_hints(row)
    names = [field.name for field in fields(row)]
    return row(**{name: (KNOWN | own).get(name, _value(hints[name])) for name in names})


def _value(hint: Any) -> Any:
    if typing.get_origin(hint) is tuple:
        return ()
    if is_dataclass(hint):
        return None
    plain = {int: 1, float: 0.5, str: "", bytes: b"", bool: False}
    return plain.get(hint, 0.5 if float in typing.get_args(hint) else None)


def make_files(folder: Path, count: int) -> None:
    for number in range(count):
        place = folder / f"{number // 1000:03d}" / f"v{number:06d}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(f"video {number}".encode())
        if number % 2:
            place.with_suffix(".txt").write_text(f"caption of video {number}")


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=30_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder, "videos"), options.videos)
        source = SourceConfig(path=str(Path(folder, "videos")))
        pipeline = load_profile("embedded").model_copy(update={"sources": (source,)})
        workspace = Workspace.open(Path(folder, "ws"), create=True)
        run_pipeline(pipeline, workspace, engine=MadeUp(), until="caption")
        spent = []
        for _ in range(options.repeats):
            began, wall = cpu_seconds(), time.monotonic()
            done = run_pipeline(pipeline, workspace, engine=MadeUp(), until="caption")
            spent.append(cpu_seconds() - began)
            print(f"idle: {spent[-1]:.2f} s CPU, {time.monotonic() - wall:.2f} s wall")
            assert not any(done.computed.values()), done.computed
        reached = done.reports[-1].entering
        assert reached == options.videos, "a made-up row is dropped: give its column in KNOWN"
        print(f"{options.videos} videos, {reached} clips at the end: {min(spent):.2f} s CPU")


if __name__ == "__main__":
    main()
