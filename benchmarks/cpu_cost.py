"""What one clip costs in each stage: CPU seconds and peak memory.

    python benchmarks/cpu_cost.py VIDEO [--profile cpu]

Runs a profile without its rules on length and shape and without its percentiles, in a workspace
that is thrown away. Each stage runs in a process of its own, so its peak is its own. A clip that a
rule on objects drops costs nothing in the stages behind it; the last line tells where it ended.
"""

import argparse
import tempfile
from pathlib import Path

from measured_engine import MeasuredEngine, stage_lines
from truth.relaxed import relaxed

from clipmill.config import SourceConfig, load_profile
from clipmill.pipeline import RunSummary, run_pipeline
from clipmill.store.workspace import Workspace
from clipmill.video import index_video

BAR = 120.0
"""CPU seconds for 10 seconds of 720p."""


def run(video: Path, profile: str, engine: MeasuredEngine) -> RunSummary:
    """Run the relaxed profile over one video."""
    source = SourceConfig(path=str(video.absolute()))
    pipeline = relaxed(load_profile(profile)).model_copy(update={"sources": (source,)})
    with tempfile.TemporaryDirectory() as folder:
        return run_pipeline(pipeline, Workspace.open(folder, create=True), engine=engine)


def end_of(summary: RunSummary) -> str:
    """Return where the clip ended."""
    for report in summary.reports:
        if report.entering and not report.leaving:
            return f"it ended at: {report.title}"
    return f"{summary.samples} samples, {summary.stage2_samples} of them ready for stage 2"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("--profile", default="cpu", help="%(default)s unless named")
    options = parser.parse_args()
    _, index = index_video(str(options.video))
    seconds = index.num_frames / index.fps
    engine = MeasuredEngine()
    summary = run(options.video, options.profile, engine)
    spent = sum(cost.cpu_seconds for cost in engine.costs)
    print(f"{options.video.name}: {index.num_frames} frames, {seconds:.1f} s")
    print(*stage_lines(engine.costs), sep="\n")
    print(f"{10 * spent / seconds:.1f} CPU s for 10 s (bar for 720p: {BAR:g})")
    print(end_of(summary))


if __name__ == "__main__":
    main()
