"""How far the pipeline is from the truth on real videos.

    python benchmarks/real_truth.py TRUTH_DIR [--profile cpu] [--workspace WS] [--workers N]
        [--json FILE]

TRUTH_DIR holds real videos with truth from people and instruments (`truth/truths.py` tells the
format). The profile runs over them without its rules on length and shape and without its
percentiles, since the videos are few and short. Prints one line a video, the figures of all of
them with the bars that `cpu` is held to, and what each stage cost. A workspace that is named is
gone on with: what is computed already is not computed again, and costs nothing.

  found           videos in which an object at some anchor covers the person-made mask, IoU >= 0.5
  J anchor        best IoU at the anchors, mean over videos; 0 where nothing was found
  J time          IoU of carried masks, mean over frames, of the objects that were found
  precision       objects with half of their area on the person-made mask, of all objects
  on object       visible track points on the mask grown by 4 px, of all visible ones
  visible         points said to be visible, of those frames in which the object is seen
  joints          points near a hand-marked joint that go with it: within 0.1 * sqrt(area), PCK@0.1
  right samples   videos with a sample whose object covers the person-made mask, IoU >= 0.5
  enter, exit     videos whose entry or exit is told within 3 frames
  hard cuts       tolerance 2 frames; gradual: dissolves and fades in which a cut is told
  rotation        median error of the camera's rotation against the instrument's
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from measured_engine import MeasuredEngine, of_video, stage_lines
from truth.found import read_found
from truth.measure import measure
from truth.pool import Figure, Pool
from truth.relaxed import relaxed
from truth.truths import load_truth, truth_names

from clipmill.config import SourceConfig, load_profile
from clipmill.pipeline import run_pipeline
from clipmill.store.workspace import Workspace


def run(folder: Path, profile: str, workspace: Workspace, engine: MeasuredEngine) -> None:
    """Run the relaxed profile over the videos of a truth folder."""
    source = SourceConfig(path=str((folder / "videos").absolute()))
    pipeline = relaxed(load_profile(profile)).model_copy(update={"sources": (source,)})
    run_pipeline(pipeline, workspace, engine=engine)


def score(folder: Path, workspace: Workspace, engine: MeasuredEngine) -> list[Figure]:
    """Print one line a video and return the figures of all."""
    found = read_found(workspace)
    pool = Pool()
    for name in truth_names(folder):
        if name not in found:
            print(f"{name}: not in the workspace")
            continue
        line = measure(load_truth(folder, name), found[name], pool)
        print(", ".join(filter(None, [f"{name}: {line}", of_video(engine.costs, name)])))
    if pool.no_camera:
        print(f"no camera row: {', '.join(pool.no_camera)}")
    return pool.figures()


def table(figures: list[Figure]) -> list[str]:
    """Return the figures with the bars beside them."""
    lines = [f"{'figure':<22}{'measured':<38}{'bar':<9}"]
    for figure in figures:
        sign = ">=" if figure.at_least else "<="
        bar = "" if figure.bar is None else f"{sign} {figure.bar:.2f}"
        verdict = {True: "ok", False: "missed", None: ""}[figure.passed]
        lines.append(f"{figure.name:<22}{figure.text:<38}{bar:<9}{verdict}".rstrip())
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("truth", type=Path, metavar="TRUTH_DIR")
    parser.add_argument("--profile", default="cpu", help="%(default)s unless named")
    parser.add_argument("--workspace", help="a temporary one unless named")
    parser.add_argument("--workers", type=int, default=1, help="processes, %(default)s")
    parser.add_argument("--json", type=Path, help="write figures and costs here, too")
    options = parser.parse_args()
    truth_names(options.truth)
    with ExitStack() as stack:
        place = options.workspace or stack.enter_context(tempfile.TemporaryDirectory())
        workspace = Workspace.open(place, create=True)
        engine = MeasuredEngine(options.workers)
        run(options.truth, options.profile, workspace, engine)
        figures = score(options.truth, workspace, engine)
    print("", *table(figures), "", *stage_lines(engine.costs), sep="\n")
    if options.json:
        said = {
            "profile": options.profile,
            "figures": [asdict(figure) | {"passed": figure.passed} for figure in figures],
            "costs": [asdict(cost) for cost in engine.costs],
        }
        options.json.write_text(json.dumps(said, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
