"""CPU time and memory of the frame reader against whole-file rawvideo pipes.

    python benchmarks/decode/decode.py [--videos FOLDER] [--skip-memory]

Clips are made with ffmpeg: 10 s of 720p and 60 s of 1080p, H.264 with B-frames. The naive way is
what chains of scripts do: pipe the whole file through `ffmpeg -f rawvideo`, at native size or
scaled by ffmpeg, and pick frames from the bytes. CPU seconds count this process and its children;
wall time is not reported. Memory is the peak of a fresh process.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cpu_time import timed

from clipmill.video import FrameSize, VideoReader, index_video

SIZES = {
    "shots": FrameSize(48, 27),
    "camera": FrameSize(518, 294),
    "tracks": FrameSize(512, 384),
}


def cost(work: Callable[[], object], repeats: int) -> float:
    """Median CPU seconds of a piece of work."""
    return float(np.median([timed(work) for _ in range(repeats)]))


def make_video(path: Path, *, size: str, seconds: int) -> Path:
    """Write H.264 with B-frames; short ones with grain, to cost what camera footage costs."""
    source = f"testsrc2=size={size}:rate=30:duration={seconds}"
    if seconds <= 10:
        source += ",noise=alls=8:allf=t"
    command = ["ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264"]
    command += ["-preset", "veryfast", "-crf", "28", "-g", "150", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path


def naive(path: Path, size: FrameSize | None) -> int:
    """Pipe the whole file as raw RGB and count its frames."""
    command = ["ffmpeg", "-v", "quiet", "-i", f"file:{path}", "-map", "0:v:0", "-vsync", "0"]
    if size is not None:
        command += ["-s", f"{size.width}x{size.height}"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return len(done.stdout)


def print_table(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[k]) for row in [head, *rows]) for k in range(len(head))]
    print(f"\n{title}")
    for row in [head, tuple("-" * width for width in widths), *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join(cells))


def compare_index(videos: list[Path], repeats: int) -> None:
    """Frame count and times: packets against a full decode (without any conversion)."""
    rows, sums = [], np.zeros(3)
    for path in videos:

        def decode(path: Path = path) -> None:
            command = ["ffmpeg", "-v", "quiet", "-threads", "1", "-i", f"file:{path}"]
            command += ["-map", "0:v:0", "-vsync", "0", "-f", "null", "-"]
            subprocess.run(command, check=True)

        ours = cost(lambda path=path: index_video(str(path)), repeats)  # type: ignore[misc]
        bare, piped = cost(decode, repeats), cost(lambda path=path: naive(path, None), 1)  # type: ignore[misc]
        sums += (ours, bare, piped)
        index = index_video(str(path))[1]
        name = path.name[:40] + ("" if index.exact else " (decoded)")
        rows.append((name, str(index.num_frames), *_line(ours, bare, piped)))
    rows.append(("sum", "", *_line(*sums)))
    head = ("index", "frames", "ours ms", "decode ms", "times", "rawvideo ms", "times")
    print_table("Frame index against a full decode, CPU", head, rows)


def _line(ours: float, bare: float, piped: float) -> tuple[str, ...]:
    return (
        f"{ours * 1e3:.1f}",
        f"{bare * 1e3:.0f}",
        f"{bare / ours:.0f}x",
        f"{piped * 1e3:.0f}",
        f"{piped / ours:.0f}x",
    )


def compare_frames(path: Path, repeats: int) -> None:
    """Random access and passes in several sizes against one whole-file pipe each."""
    index = index_video(str(path))[1]
    total = index.num_frames

    def few() -> None:
        with VideoReader(str(path), index=index) as reader:
            reader.frames([0, total // 2, int(0.95 * total)])

    def run(sizes: dict[str, FrameSize], step: int = 1) -> None:
        with VideoReader(str(path), index=index) as reader:
            for _ in reader.stream(0, total, sizes=sizes, step=step):
                pass

    jobs: list[tuple[str, Callable[[], object], list[FrameSize | None]]] = [
        ("3 native frames", few, [None]),
        ("all frames, native", lambda: run({"s": FrameSize(index.width, index.height)}), [None]),
    ]
    for name, size in SIZES.items():
        label = f"all frames {size.width}x{size.height}"
        jobs.append((label, lambda n=name, s=size: run({n: s}), [size]))  # type: ignore[misc]
    jobs.append(
        ("every 5th frame 518x294", lambda: run({"c": SIZES["camera"]}, 5), [SIZES["camera"]])
    )
    jobs.append(("all three sizes in one pass", lambda: run(SIZES), list(SIZES.values())))

    rows = []
    for label, work, pipes in jobs:
        ours = cost(work, repeats)
        theirs = sum(cost(lambda s=size: naive(path, s), repeats) for size in pipes)  # type: ignore[misc]
        rows.append((label, f"{ours * 1e3:.0f}", f"{theirs * 1e3:.0f}", f"{theirs / ours:.1f}x"))
    head = (f"{path.name[:40]}, {total} frames", "ours ms", "pipes ms", "times")
    print_table("Frames against rawvideo pipes, CPU", head, rows)


_MEMORY = """
import re, sys
from pathlib import Path
import numpy as np
from clipmill.video import FrameSize, VideoReader, index_video
work, path = sys.argv[1:]
# Not ru_maxrss, which a process inherits from the one that started it.
status = Path("/proc/self/status")
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) // 1024
start = peak()
if work == "index":
    index_video(path)
with VideoReader(path) as reader:
    total = reader.index.num_frames
    if work == "stream":
        sizes = {"native": FrameSize(reader.width, reader.height), "a": FrameSize(518, 294)}
        for frame in reader.stream(0, total, sizes=sizes):
            pass
    elif work == "frames":
        reader.frames(np.linspace(0, total - 1, 16).astype(int))
print(start, peak())
"""


def measure_memory(path: Path) -> None:
    rows = []
    for work in ("index", "stream", "frames"):
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY, work, str(path)],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        start, peak = map(int, done.stdout.split())
        rows.append((work, f"{start}", f"{peak}"))
    head = ("60 s of 1080p", "after import MiB", "peak MiB")
    print_table("Memory ('frames': 16 native ones, 95 MiB of them the result)", head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, help="also index all videos of this folder")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--skip-memory", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = make_video(Path(folder) / "10s-720p.mp4", size="1280x720", seconds=10)
        compare_index([clip], options.repeats)
        compare_frames(clip, options.repeats)
        if options.videos:
            endings = {".mp4", ".mkv", ".webm", ".avi", ".mov"}
            found = [p for p in sorted(options.videos.iterdir()) if p.suffix.lower() in endings]
            compare_index(found, 1)
        if not options.skip_memory:
            measure_memory(make_video(Path(folder) / "60s.mp4", size="1920x1080", seconds=60))


if __name__ == "__main__":
    main()
