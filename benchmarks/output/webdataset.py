"""Write WebDataset shards of videos that are not encoded again, against a plain copy of them.

Run: `python benchmarks/output/webdataset.py [--files 48] [--seconds 1] [--repeats 7]
[--shard-mb 128]`.
Makes videos of noise with ffmpeg, a workspace in which every whole video is a sample, and then,
turn by turn: copies the videos (`shutil.copyfile`, then fsync, file by file), writes finished
samples (canonical format) into shards, and runs a whole export. Everything is on disk when the
time stops, and the shards have the SHA-256 of every file besides. Prints, for each turn, as
medians, and of the fastest copy, writing and export (other work on the machine slows all turns, and
the hashes need a core):

- the rate of the copy, in MB/s of wall time;
- the rate of the write phase: finished samples, one after the other, with nothing to hide behind;
- the rate of the whole export: samples composed, packets of the videos checked, manifest written;
- CPU seconds of each.

Bar: the write phase has at least 0.9 of the rate of the copy.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from clipmill.export.containers.webdataset import WebDatasetContainer
from clipmill.export.content.facts.run_facts import gather_run_facts
from clipmill.export.content.pieces import Made
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.job.gather import Gatherer
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.export.job.worker import make
from clipmill.manifest.folder import ExportFolder
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.samples.table import read_samples
from clipmill.store.codecs import encode_bits, encode_mask, encode_tracks
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace
from clipmill.video import index_video

WIDTH, HEIGHT = 1280, 720


def make_videos(folder: Path, count: int, seconds: int) -> list[Path]:
    """Make one video of noise and copies of it; returns their paths."""
    folder.mkdir()
    first = folder / "video-000.mp4"
    noise = f"color=gray:s={WIDTH}x{HEIGHT}:r=24:d={seconds},noise=alls=60:allf=t+u"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", noise, "-c:v", "libx264"]
    command += ["-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p", str(first)]
    subprocess.run(command, check=True)
    videos = [folder / f"video-{number:03d}.mp4" for number in range(count)]
    for video in videos[1:]:
        shutil.copyfile(first, video)
    return videos


def make_workspace(folder: Path, videos: list[Path]) -> Workspace:
    """Make a workspace in which every whole video is a sample with 64 points."""
    num_frames = index_video(str(videos[0]))[1].num_frames
    random = np.random.default_rng(0)
    points = random.uniform((0, 0), (WIDTH, HEIGHT), (num_frames, 64, 2)).astype(np.float32)
    rows = []
    for number, video in enumerate(videos):
        clip = f"{number:016x}-000000-{num_frames:06d}"
        entry = SampleObject(
            object_id=f"{clip}-a00000-o00", class_name="noise", area=1.0,
            box=(0.0, 0.0, float(WIDTH), float(HEIGHT)), mask=encode_mask(np.ones((90, 160), bool)),
            points=encode_tracks(points), visibility=encode_bits(np.ones((num_frames, 64), bool)),
            motion_strength=1.0, motion_compensated=1.0, stage2=False, refusal="noise",
            enter_frame=None, exit_frame=None, reference=None, others=(), regions=(),
        )  # fmt: skip
        rows.append(
            SampleRow(
                sample_id=f"{clip}-a00000", clip_id=clip, video_id=f"{number:016x}", source="",
                uri=str(video), relative_path=video.name, start=0, end=num_frames, anchor=0,
                num_frames=num_frames, width=WIDTH, height=HEIGHT, fps=24.0, caption="Noise.",
                caption_origin="template", objects=(entry,), num_objects=1, stage1=True,
                stage2=False, stage2_reason="noise",
            )
        )  # fmt: skip
    workspace = Workspace.open(folder, create=True)
    table = pa.Table.from_pylist([to_dict(row) for row in rows], schema=schema_of(SampleRow))
    workspace.write_table("samples/training/part-00000.parquet", table)
    return workspace


def copy(videos: list[Path], folder: Path) -> None:
    """Copy videos one by one; each is on disk before the next."""
    folder.mkdir()
    for video in videos:
        target = folder / video.name
        shutil.copyfile(video, target)
        with target.open("rb") as file:
            os.fsync(file.fileno())


def make_all(workspace: Workspace, plan: ExportPlan, scratch: Path) -> list[Made]:
    """Finish all samples: everything but the writing."""
    gatherer = Gatherer(workspace, gather_run_facts(workspace), settings=plan.settings)
    wanted = [row.sample_id for row in read_samples(workspace)]
    tasks = gatherer.tasks("training", wanted, scratch=scratch)
    return [make(task, format_=plan.format_, profile=plan.profile) for task in tasks]


def write(samples: list[Made], plan: ExportPlan, out: Path) -> None:
    """Write finished samples into shards."""
    owned = WebDatasetContainer.owned(Canonical)
    folder = ExportFolder(out, kind=plan.kind, owned=owned, data=())
    container = WebDatasetContainer(folder, plan.format_, shard_bytes=plan.shard_bytes)
    written = sum(len(container.add(made)) for made in samples) + len(container.flush())
    container.close()
    assert written == len(samples)


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds, after everything older has gone to disk."""
    os.sync()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=48)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--shard-mb", type=int, default=128)
    parser.add_argument("--folder", default=None, help="where to write; the file system matters")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        videos = make_videos(folder / "videos", arguments.files, arguments.seconds)
        workspace = make_workspace(folder / "workspace", videos)
        megabytes = sum(video.stat().st_size for video in videos) / 1e6
        print(f"{len(videos)} videos, {megabytes:.0f} MB, load {os.getloadavg()[0]:.1f}")
        plan = ExportPlan(
            Canonical(FormatOptions()),
            WebDatasetContainer,
            workers=arguments.workers,
            shard_bytes=arguments.shard_mb * 1_000_000,
        )
        made = make_all(workspace, plan, folder / "made")
        turns = []
        for number in range(arguments.repeats):
            sides = [
                measured(partial(copy, videos, folder / "copy")),
                measured(partial(write, made, plan, folder / "shards")),
                measured(partial(run_export, workspace, folder / "out", plan)),
            ]
            for used in ("copy", "shards", "out"):
                shutil.rmtree(folder / used)
            turns.append(sides)
            report(f"turn {number + 1}", [sides], megabytes)
        report("medians", turns, megabytes)
        report("best of each", [[min(side) for side in zip(*turns, strict=True)]], megabytes)


def report(title: str, turns: list[list[tuple[float, float]]], megabytes: float) -> None:
    """Print rates, ratios to the copy of the same turn, and CPU seconds per GB, as medians."""
    parts = []
    for place, name in enumerate(("copy", "write phase", "whole export")):
        rate = statistics.median(megabytes / turn[place][0] for turn in turns)
        ratio = statistics.median(turn[0][0] / turn[place][0] for turn in turns)
        cpu = statistics.median(turn[place][1] for turn in turns) / megabytes * 1e3
        parts.append(f"{name} {rate:5.0f} MB/s ({ratio:.2f}x) {cpu:.2f} CPU s/GB")
    print(f"{title}: {'; '.join(parts)}", flush=True)


if __name__ == "__main__":
    main()
