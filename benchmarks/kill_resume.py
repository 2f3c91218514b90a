"""Kill a run with SIGKILL at random moments until it is done; compare with an undisturbed run.

    python benchmarks/kill_resume.py --input videos/ [--kills 20] [--profile embedded]

Checks two things: every table equals that of the undisturbed run, and no committed row was ever
computed again (the measured `seconds` of a row tell one computation from another).
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Rows = dict[tuple[str, str], float]


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
        table = pq.read_table(path)
        name = str(path.relative_to(workspace))
        if name.startswith("annotations"):
            name = str(Path(name).parent)
            table = table.drop_columns(["seconds"])
        found[name] = pa.concat_tables([found[name], table]) if name in found else table
    return found


def kill_until_done(
    arguments: Sequence[str], workspace: Path, *, kills: int, seed: int, duration: float
) -> tuple[int, int]:
    """Kill `kills` runs at random moments, then let one finish.

    Returns:
        Kills that hit a running process, and rows that were computed twice although committed.
    """
    moments = random.Random(seed)
    hits = repeated = 0
    before: Rows = {}
    for _ in range(kills):
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
    options = parser.parse_args()
    arguments = ["--input", options.input, "--profile", options.profile]
    arguments += ["--workers", options.workers]
    with tempfile.TemporaryDirectory() as folder:
        calm, wild = Path(folder, "calm"), Path(folder, "wild")
        began = time.monotonic()
        subprocess.run(command(arguments, calm), check=True, stdout=subprocess.DEVNULL)
        duration = time.monotonic() - began
        # Moments are spread so that the kills together cover about two whole runs.
        hits, repeated = kill_until_done(
            arguments,
            wild,
            kills=options.kills,
            seed=options.seed,
            duration=max(4.0, 2 * duration / options.kills),
        )
        first, second = tables(calm), tables(wild)
        different = [name for name in first if not first[name].equals(second.get(name))]
        print(f"undisturbed run: {duration:.0f} s, {len(first)} tables")
        print(f"killed with SIGKILL: {hits} of {options.kills} (the others had finished)")
        print(f"committed rows computed again: {repeated}")
        print(f"tables that differ: {', '.join(different) or 'none'}")
        sys.exit(bool(different or repeated or set(first) != set(second)))


if __name__ == "__main__":
    main()
