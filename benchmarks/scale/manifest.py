"""Read and deduplicate manifests of 1,000,000 rows.

Run: `python benchmarks/scale/manifest.py [--rows 1000000] [--kinds csv jsonl parquet vidgen]
[--caption 150] [--folders 1]`. Of the rows, 96 % name an empty file of their own, 2 % repeat a
path, 1 % name a file that is not there, 1 % are bad (empty path, short row or broken JSON).
Every kind is listed in a process of its own: wall and CPU seconds, and peak memory of that
process (Linux). `vidgen` is one JSON list that names videos without their folder.
Bar: under 20 s and 1 GB.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clipmill.config import SourceConfig
from clipmill.sources import list_sources


def name_of(number: int, folders: int) -> str:
    return f"videos/{number % folders:04d}/clip_{number:08d}_00000.mp4"


def path_of(number: int, folders: int) -> str:
    if number % 100 in {40, 80}:
        return name_of(number - 1, folders)
    return "" if number % 200 == 70 else name_of(number, folders)


def make_files(folder: Path, rows: int, folders: int) -> None:
    for number in range(folders):
        (folder / "videos" / f"{number:04d}").mkdir(parents=True)
    for number in range(rows):
        if number % 100 not in {40, 60, 70, 80}:
            (folder / name_of(number, folders)).touch()


def write(kind: str, folder: Path, rows: int, folders: int, caption: int) -> Path:
    path = folder / f"manifest.{kind}"
    words = ('A man, "in red", walks ' * (1 + caption // 23))[: caption - 8]
    items = ((n, path_of(n, folders), f"{words}{n:08d}") for n in range(rows))
    if kind == "parquet":
        _, paths, texts = zip(*items, strict=True)
        pq.write_table(pa.table({"video": paths, "caption": texts}), path, row_group_size=100_000)
        return path
    if kind == "vidgen":
        with path.open("w", encoding="utf-8") as file:
            file.write("[")
            for number, video, text in items:
                vid = 7 if number % 200 == 170 else Path(video).stem
                file.write(json.dumps({"vid": vid, "caption": text}) + ",\n")
            file.write('{"vid": "the end", "caption": ""}]')
        return path
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if kind == "csv":
            writer.writerow(["video", "caption", "fps"])
        for number, video, text in items:
            if number % 200 == 170:
                file.write("short\n" if kind == "csv" else "{broken\n")
            elif kind == "csv":
                writer.writerow([video, text, "24.0"])
            else:
                file.write(json.dumps({"video": video, "caption": text, "fps": 24.0}) + "\n")
    return path


def peak_mib() -> float:
    """Peak of this program; getrusage would hand down the peak of the one that started it."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure(path: str) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    kind = "vidgen" if path.endswith("vidgen") else "auto"
    found = list_sources([SourceConfig(path=path, kind=kind)])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    dropped = sum(problem.state == "dropped" for problem in found.problems)
    failed = len(found.problems) - dropped
    print(
        f"{Path(path).suffix[1:]:<8} {wall:6.1f} s wall {cpu:6.1f} s CPU, "
        f"peak {peak_mib():.0f} MiB: "
        f"{len(found.videos):,} videos, {dropped:,} dropped, {failed:,} failed",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kinds", nargs="+", default=["csv", "jsonl", "parquet", "vidgen"])
    parser.add_argument("--caption", type=int, default=150, help="characters of a caption")
    parser.add_argument("--folders", type=int, default=1, help="folders the files are spread over")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder, arguments.rows, arguments.folders)
        for kind in arguments.kinds:
            path = write(kind, folder, arguments.rows, arguments.folders, arguments.caption)
            subprocess.run([sys.executable, __file__, "--measure", str(path)], check=True)
            path.unlink()


if __name__ == "__main__":
    main()
