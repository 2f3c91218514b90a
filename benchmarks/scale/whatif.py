"""What-if of one percentile over many clips: how long an answer takes, and in which memory.

    python benchmarks/scale/whatif.py [--videos 100000] [--folder DIR]

Files and rows are those of `made_up.py`, with what a run of its pipeline notes (windows, shots, and
five selections with five percentiles). The run is opened, everything is asked once, and then the
share of one percentile is moved to a new place time after time, in the first selection that has
one: all others follow it. What a page gets, with histograms, strips and YAML, is timed as well.
Bars for a question: < 0.5 s at 100,000 clips, < 3 s at 1,000,000.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
MOVES = 10
COLUMN = "quality.rules.clarity.drop"


def peak() -> str:
    return f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10:5d} MiB"


def measure(folder: Path) -> None:
    from clipmill.browse.site import Site
    from clipmill.browse.whatif.answer import WhatIf
    from clipmill.config.overrides import with_settings
    from clipmill.pipeline.recorded.last_run import require_last_run
    from clipmill.whatif import World, compare

    workspace = str(folder / "ws")
    began = time.monotonic()
    world = World(*require_last_run(workspace))
    now = world.now()
    clips = len(now.state.segment)
    print(f"{clips:,} clips: opened, rows read: {time.monotonic() - began:.2f} s; {peak()}")
    for name, ask in (
        ("one percentile", lambda setting: compare(now, world.ask(setting))),
        ("what the page gets", None),
    ):
        if ask is None:
            del world, now
            whatif = WhatIf(Site(workspace, 1))
            whatif.answer([])
        took, cpu = [], []
        for number in range(MOVES):
            setting = f"{COLUMN}=[[0.0, {0.1 + 0.05 * number:.2f}]]"
            began, spent = time.monotonic(), time.process_time()
            if ask is None:
                whatif.answer([setting])
            else:
                ask(with_settings(world.pipeline, [setting]))
            took.append(time.monotonic() - began)
            cpu.append(time.process_time() - spent)
        took.sort()
        print(
            f"{name}: median {took[MOVES // 2]:.2f} s, slowest {took[-1]:.2f} s, "
            f"CPU {sum(cpu) / MOVES:.2f} s; {peak()}"
        )


def note(folder: Path) -> None:
    """Write what a run notes at its begin: its pipeline, its tables, its videos."""
    from clipmill.config import load_pipeline
    from clipmill.pipeline.context import Context
    from clipmill.pipeline.inputs.videos import VideoList
    from clipmill.pipeline.recorded.last_run import identified, note_pipeline
    from clipmill.sources import list_sources
    from clipmill.store.workspace import Workspace

    pipeline = load_pipeline(folder / "pipeline.yaml")
    context = Context(Workspace.open(str(folder / "ws")), pipeline)
    listing = VideoList.of(list_sources(pipeline.sources))
    identified(listing, context).save(context.workspace)
    note_pipeline(context)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="keep files here, and use them again")
    parser.add_argument("--note", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.note:
        note(options.note)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if not (folder / "pipeline.yaml").exists():
            make = [sys.executable, str(HERE / "made_up.py"), str(folder), str(options.videos)]
            subprocess.run(make, check=True)
        if not (folder / "ws" / "clipmill.yaml").exists():
            subprocess.run([sys.executable, __file__, "--note", str(folder)], check=True)
        measure(folder)


if __name__ == "__main__":
    main()
