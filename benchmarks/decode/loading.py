"""CPU time of loading one training sample, against decoding the whole file and slicing.

    python benchmarks/decode/loading.py [--repeats N]

Clips of 10 s are made with ffmpeg (H.264 with B-frames, 30 fps, a key frame every 5 s), one
sample at each anchor. The naive way is what the published loaders do: pipe the whole file as raw
RGB through ffmpeg, take every frame of the sample out of the bytes, scale it, and draw and blur
the tracks over whole pictures. Both give 81 frames of 704x1280 as float32. `floor` is ffmpeg
decoding, and converting nothing, from the key frame before the sample to its last frame; `decode
alone` is the same by the dataset's reader; `to tensor` scales, converts and stacks as well; `whole`
is the sample with its tracks drawn. CPU time counts this process and its children, best of the
repeats; wall time is not reported. Needs torch.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import torch
from cpu_time import timed

from clipmill.canvas.placement import Placement
from clipmill.clips import Clip, anchor_id_for, video_id_for
from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.run import run_pipeline
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import encode_bits, encode_mask, encode_tracks
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace
from clipmill.training import LoadOptions, MotionDataset, MotionSample, object_colours
from clipmill.training.videos import read_video
from clipmill.video import VideoReader

FRAMES, TOTAL, KEY = 81, 300, 150
OPTIONS = LoadOptions(height=704, width=1280, num_frames=FRAMES)
OBJECTS, POINTS = 3, 16


def cost(work: Callable[[], object], repeats: int) -> float:
    """Least CPU seconds of a piece of work."""
    return min(timed(work) for _ in range(repeats))


def make_video(path: Path, size: str) -> None:
    source = f"testsrc2=size={size}:rate=30:duration=10,noise=alls=8:allf=t"
    command = ["ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264"]
    command += ["-preset", "veryfast", "-crf", "28", "-g", str(KEY), "-keyint_min", str(KEY)]
    subprocess.run([*command, "-sc_threshold", "0", "-pix_fmt", "yuv420p", str(path)], check=True)


def make_sample(path: Path, width: int, height: int, anchor: int) -> SampleRow:
    """A sample whose points wander at random."""
    rng = np.random.default_rng(anchor)
    clip = Clip(video_id_for(path.name), 0, TOTAL)
    length = min(171, TOTAL - anchor)
    objects = []
    for number in range(OBJECTS):
        start = rng.random((1, POINTS, 2)) * [width, height] * 0.2 + [width * number / 4, 100]
        points = start + np.cumsum(rng.normal(1, 1, (length, 1, 2)), axis=0)
        objects.append(
            SampleObject(
                object_id=f"o{number}",
                class_name="car",
                area=0.1,
                box=(0.0, 0.0, 9.0, 9.0),
                mask=encode_mask(np.ones((9, 9), bool)),
                points=encode_tracks(points),
                visibility=encode_bits(np.ones((length, POINTS), bool)),
                motion_strength=1.0,
                motion_compensated=1.0,
                stage2=False,
                refusal="not examined",
                enter_frame=None,
                exit_frame=None,
                reference=None,
                others=(),
                regions=(),
            )
        )
    return SampleRow(
        sample_id=anchor_id_for(clip.clip_id, anchor),
        clip_id=clip.clip_id,
        video_id=clip.video_id,
        source="",
        uri=str(path),
        relative_path=path.name,
        start=0,
        end=TOTAL,
        anchor=anchor,
        num_frames=TOTAL - anchor,
        width=width,
        height=height,
        fps=30.0,
        caption="",
        caption_origin="",
        objects=tuple(objects),
        num_objects=OBJECTS,
        stage1=True,
        stage2=False,
        stage2_reason="",
    )


def make_workspace(folder: Path, width: int, height: int, anchors: list[int]) -> Workspace:
    """A workspace whose probe table is real; its samples are made up."""
    path = folder / "videos" / "clip.mp4"
    path.parent.mkdir(parents=True)
    make_video(path, f"{width}x{height}")
    pipeline = parse_pipeline("name: loading\nsteps:\n  - annotate: probe\n", name="loading")
    pipeline = pipeline.model_copy(update={"sources": (SourceConfig(path=str(path.parent)),)})
    workspace = Workspace.open(folder / "workspace", create=True)
    run_pipeline(pipeline, workspace, engine=InProcessEngine())
    rows = [to_dict(make_sample(path, width, height, anchor)) for anchor in anchors]
    table = pa.Table.from_pylist(rows, schema=schema_of(SampleRow))
    workspace.write_table("samples/training/part-00000.parquet", table)
    return workspace


def naive_video(path: Path, frames: tuple[int, ...], place: Placement) -> torch.Tensor:
    """Decode everything, then slice."""
    command = ["ffmpeg", "-v", "quiet", "-i", str(path), "-vsync", "0", "-f", "rawvideo"]
    raw = subprocess.run(
        [*command, "-pix_fmt", "rgb24", "-"], stdout=subprocess.PIPE, check=True
    ).stdout
    everything = np.frombuffer(raw, np.uint8).reshape(-1, place.source[1], place.source[0], 3)
    images = [
        place.crop(cv2.resize(everything[k], place.scaled, interpolation=cv2.INTER_AREA))
        for k in frames
    ]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1


def naive_tracks(item: MotionSample) -> torch.Tensor:
    """Draw every point into a whole picture and blur that."""
    _, _, height, width = item.video.shape
    radius = round(OPTIONS.style.radius * height)
    colours = object_colours(len(item.points))
    pictures = []
    for frame in range(len(item.video)):
        picture = np.ones((height, width, 3), np.float32)
        for points, colour in zip(item.points, colours, strict=True):
            for x, y in points[frame].round().int().tolist():
                cv2.circle(picture, (x, y), radius, colour.tolist(), -1)
        pictures.append(cv2.GaussianBlur(picture, (0, 0), radius * OPTIONS.style.blur))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def floor(path: Path, frames: tuple[int, ...]) -> None:
    """Decode from the key frame before the sample to its last frame, convert nothing."""
    key = frames[0] // KEY * KEY
    command = ["ffmpeg", "-v", "quiet", "-threads", "1", "-ss", f"{key / 30:.6f}", "-i", str(path)]
    command += ["-frames:v", str(frames[-1] + 1 - key), "-vsync", "0", "-f", "null", "-"]
    subprocess.run(command, check=True)


def compare(folder: Path, width: int, height: int, repeats: int) -> None:
    anchors = [0, 60, 150, 219]
    workspace = make_workspace(folder, width, height, anchors)
    path = folder / "videos" / "clip.mp4"
    dataset = MotionDataset(workspace, OPTIONS)
    place = Placement.cropped((width, height), (OPTIONS.width, OPTIONS.height))
    print(f"\n{width}x{height}, 10 s, CPU ms per sample of {FRAMES} frames at 704x1280")
    print("anchor    floor  decode alone  times   to tensor  naive  times   whole  naive  times")
    sums = np.zeros(6)
    for number, anchor in enumerate(anchors):
        item = dataset[number]
        frames = item.meta.frames
        ways: list[Callable[[], object]] = [
            partial(floor, path, frames),
            partial(decode, dataset, number, frames),
            partial(read, dataset, number, frames, place),
            partial(naive_video, path, frames, place),
            partial(dataset.__getitem__, number),
            partial(naive_sample, path, item, place),
        ]
        times = np.array([cost(way, repeats) for way in ways])
        sums += times
        _line(str(anchor), times)
    _line("mean", sums / len(anchors))


def read(dataset: MotionDataset, number: int, frames: tuple[int, ...], place: Placement) -> object:
    """The frames of a sample as a float tensor; nothing drawn."""
    stored = dataset._source.read(number)
    return read_video(stored, frames=range(frames[0], frames[-1] + 1), placement=place)


def decode(dataset: MotionDataset, number: int, frames: tuple[int, ...]) -> None:
    """Decode the frames of a sample and those back to the key frame, convert nothing."""
    stored = dataset._source.read(number)
    with (
        VideoReader(
            stored.uri, index=stored.frame_index, expected_size_bytes=stored.size_bytes
        ) as reader,
        reader._decoder() as decoder,
    ):
        for frame in frames:
            decoder.at(frame)


def naive_sample(path: Path, item: MotionSample, place: Placement) -> object:
    """Everything of a sample the naive way."""
    return naive_video(path, item.meta.frames, place), naive_tracks(item)


def _line(name: str, times: np.ndarray) -> None:
    least, alone, video, naive, whole, naive_whole = times * 1e3
    print(
        f"{name:>6}{least:9.0f}{alone:14.0f}{alone / least:6.2f}x{video:12.0f}{naive:7.0f}"
        f"{naive / video:6.1f}x{whole:8.0f}{naive_whole:7.0f}{naive_whole / whole:6.1f}x"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)  # as in a DataLoader's worker
    cv2.setNumThreads(1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for width, height in ((1280, 720), (1920, 1080)):
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), width, height, options.repeats)


if __name__ == "__main__":
    main()
