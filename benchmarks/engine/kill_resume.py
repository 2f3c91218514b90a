"""Kill a run with SIGKILL at random moments until it is done; compare with an undisturbed run.

    python benchmarks/engine/kill_resume.py --input videos/ [--kills 20] [--profile embedded]
        [--replace]

Checks two things: every table equals that of the undisturbed run, and no committed row was ever
computed again (the measured `seconds` of a row tell one computation from another).

With `--replace`, the first video of a copy of the folder is overwritten by the content of another
file (`--replacement`) after half of the kills; the undisturbed run is one on the final files. Rows
of the content that is gone stay, so tables of annotations are compared in the keys of that run.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Rows = dict[tuple[str, str], float]

_RUN_BEFORE = ("decided", "previous.parquet")


def command(arguments: Sequence[str], workspace: Path) -> list[str]:
    program = "from clipmill.cli import main; main()"
    return [sys.executable, "-c", program, "run", *arguments, "--workspace", str(workspace)]


def committed(workspace: Path) -> Rows:
    """Return (annotation folder, key) -> seconds of every committed row."""
    found: Rows = {}
    for path in workspace.glob("annotations/*/*/part-*.parquet"):
        try:
            table = pq.read_table(path)
        except FileNotFoundError:
            continue  # merged while we looked
        keys, seconds = table.column(0).to_pylist(), table["seconds"].to_pylist()
        found |= {(str(path.parent.name), k): s for k, s in zip(keys, seconds, strict=True)}
    return found


def tables(workspace: Path) -> dict[str, pa.Table]:
    """Return every table without measured times; parts of an annotation as one."""
    found: dict[str, pa.Table] = {}
    for path in sorted(workspace.rglob("*.parquet")):
        # When rows were written, and what the run before decided, depends on the interruptions.
        if path.is_relative_to(workspace / "dates") or path.parts[-2:] == _RUN_BEFORE:
            continue
        table = pq.read_table(path)
        name = str(path.relative_to(workspace))
        if name.startswith("annotations"):
            name = str(Path(name).parent)
            table = table.drop_columns(["seconds"])
        found[name] = pa.concat_tables([found[name], table]) if name in found else table
    return found


def different_tables(
    calm: dict[str, pa.Table], wild: dict[str, pa.Table], *, more_rows: bool
) -> list[str]:
    """Return the names of tables that differ; `more_rows` allows those of other contents."""
    found = [name for name in calm if name not in wild]
    for name, table in calm.items():
        other = wild.get(name)
        if other is None:
            continue
        if more_rows and name.startswith("annotations"):
            key = table.column_names[0]
            other = other.filter(pc.is_in(other[key], value_set=table[key].combine_chunks()))
        if not table.equals(other):
            found.append(name)
    return found + ([] if more_rows else sorted(set(wild) - set(calm)))


def _nothing(_number: int) -> None:
    """Default of `between`."""


def kill_until_done(
    arguments: Sequence[str],
    workspace: Path,
    *,
    kills: int,
    seed: int,
    duration: float,
    between: Callable[[int], None] = _nothing,
) -> tuple[int, int]:
    """Kill `kills` runs at random moments, then let one finish; `between` is called before each.

    Returns:
        Kills that hit a running process, and rows that were computed twice although committed.
    """
    moments = random.Random(seed)
    hits = repeated = 0
    before: Rows = {}
    for number in range(kills):
        between(number)
        run = subprocess.Popen(command(arguments, workspace), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            run.wait(timeout=moments.uniform(0.5, duration))
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            hits += 1
        now = committed(workspace)
        repeated += sum(now.get(key) != seconds for key, seconds in before.items())
        before = now
    subprocess.run(command(arguments, workspace), check=True, stdout=subprocess.DEVNULL)
    after = committed(workspace)
    repeated += sum(after.get(key) != seconds for key, seconds in before.items())
    return hits, repeated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", required=True)
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--workers", default="2")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replace", action="store_true", help="replace a file between the kills")
    parser.add_argument("--replacement", help="what it is replaced by; else the last video")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        videos, calm, wild = Path(options.input), Path(folder, "calm"), Path(folder, "wild")
        if options.replace:
            videos = Path(shutil.copytree(videos, Path(folder, "videos")))
        arguments = ["--input", str(videos), "--profile", options.profile]
        arguments += ["--workers", options.workers]
        began = time.monotonic()
        first_run = Path(folder, "first") if options.replace else calm
        subprocess.run(command(arguments, first_run), check=True, stdout=subprocess.DEVNULL)
        duration = time.monotonic() - began

        def replace(number: int) -> None:
            files = sorted(path for path in videos.rglob("*") if path.suffix in {".mp4", ".mkv"})
            if options.replace and number == options.kills // 2:
                source = Path(options.replacement or files.pop())
                # The content of the first is then in the folder once, as before.
                data = source.read_bytes()
                if not options.replacement:
                    source.unlink()
                files[0].write_bytes(data)

        # Moments are spread so that the kills together cover about two whole runs.
        hits, repeated = kill_until_done(
            arguments,
            wild,
            kills=options.kills,
            seed=options.seed,
            duration=max(4.0, 2 * duration / options.kills),
            between=replace,
        )
        if options.replace:
            subprocess.run(command(arguments, calm), check=True, stdout=subprocess.DEVNULL)
        first, second = tables(calm), tables(wild)
        different = different_tables(first, second, more_rows=options.replace)
        print(f"undisturbed run: {duration:.0f} s, {len(first)} tables")
        print(f"killed with SIGKILL: {hits} of {options.kills} (the others had finished)")
        print(f"committed rows computed again: {repeated}")
        print(f"tables that differ: {', '.join(different) or 'none'}")
        sys.exit(bool(different or repeated))


if __name__ == "__main__":
    main()
