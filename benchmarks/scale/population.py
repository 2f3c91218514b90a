"""What videos cost that were done before, and a selection over very many clips.

    python benchmarks/scale/population.py [--videos 1000000] [--clips 10000000] [--folder DIR]

Commands are run as a user runs them, each in a process of its own, whose CPU seconds and peak
memory are told. Files are real: hard links to tiny ones, which an idle run never opens. Rows are
written by `made_up.py`, as a run leaves them. Bars: an idle run < 60 CPU s and < 1.5 GB, `status`
after it < 2 s, `why` of an id < 1 s; the selection < 30 s and < 4 GB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent


def spend(command: Sequence[str], *, say: str) -> str:
    """Run a command to its end, tell what it took, and return what it said.

    Little is imported here: what this process has at its most would count as the command's.
    """
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{text}")
    cpu = used.ru_utime + used.ru_stime
    print(
        f"{say:<36}{wall:8.2f} s wall {cpu:7.2f} s CPU, {used.ru_maxrss >> 10:5d} MiB", flush=True
    )
    return text


def clipmill(*words: str) -> list[str]:
    return [sys.executable, "-m", "clipmill", *words]


def measure_commands(folder: Path, count: int) -> None:
    """Make the videos and a workspace in which all is done, and run the commands on it."""
    if not (folder / "pipeline.yaml").exists():
        make = [sys.executable, str(HERE / "made_up.py"), str(folder), str(count)]
        spend(make, say=f"{count:,} videos made")
    where = ["--workspace", str(folder / "ws")]
    run = clipmill("run", "--config", str(folder / "pipeline.yaml"), *where)
    spend(run, say="first run: all steps, nothing computed")
    spend(run, say="idle run")
    spend(clipmill("status", *where), say="status")
    path = f"v{count // 2:07d}.mp4"
    answer = json.loads(spend(clipmill("why", path, "--json", *where), say="why PATH"))
    spend(clipmill("why", answer["stories"][0]["video_id"], *where), say="why ID")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=1_000_000)
    parser.add_argument("--clips", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="keep files here, and use them again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if options.videos:
            measure_commands(folder, options.videos)
        if options.clips:
            for word in ("make", "select"):
                place = str(folder / "selection"), str(options.clips)
                step = [sys.executable, str(HERE / "selection_step.py"), word, *place]
                print(spend(step, say=f"{options.clips:,} clips: {word}"), end="")


if __name__ == "__main__":
    main()
