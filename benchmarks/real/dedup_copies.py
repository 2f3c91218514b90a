"""How many copies of real clips are found, and how many others are taken for copies.

    python benchmarks/real/dedup_copies.py FOLDER --workspace WS [--distractors x-]

FOLDER holds clips NAME.mp4 and copies of them, NAME--KIND.mp4, as ffmpeg makes them; files whose
name begins with the prefix are others, copies of nothing. Runs probe, hashes and `select: dedup`,
and prints for each kind the share of copies that are in one group with their original, and of all
pairs in groups the share that are copies. Bar: recall >= 0.9 at precision >= 0.99.
"""

import argparse
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

from clipmill.browse.duplicates.groups import DuplicateGroups
from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.run import run_pipeline
from clipmill.store.workspace import Workspace

PIPELINE = """
name: copies
steps:
  - annotate: probe
  - annotate: hashes
  - select: dedup
"""


def groups_of(folder: Path, place: Path) -> list[list[str]]:
    """Return the groups, by names of files."""
    source = SourceConfig(path=str(folder))
    pipeline = parse_pipeline(PIPELINE, name="copies").model_copy(update={"sources": (source,)})
    workspace = Workspace.open(place, create=True)
    summary = run_pipeline(pipeline, workspace, engine=InProcessEngine())
    listing = VideoList.load(workspace)
    assert listing is not None
    names = {video.video_id: Path(video.relative_path).stem for video in listing.videos}
    found = DuplicateGroups(summary.reports)
    return [
        [names[clip.rpartition("-")[0].rpartition("-")[0]] for clip in clips]
        for group in found.page(0, len(found))
        for clips in [[group.kept, *(copy.clip_id for copy in group.copies)]]
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--distractors", default="x-")
    asked = parser.parse_args()
    groups = groups_of(asked.folder, asked.workspace)
    place = {name: number for number, group in enumerate(groups) for name in group}
    kinds = defaultdict(list)
    for path in sorted(asked.folder.glob("*--*.mp4")):
        name, _, kind = path.stem.partition("--")
        kinds[kind].append(place.get(path.stem, -1) == place.get(name, -2))
    for kind, hits in sorted(kinds.items()):
        print(f"{kind:12s} recall {sum(hits) / len(hits):.3f} of {len(hits)}")
    every = [hit for hits in kinds.values() for hit in hits]
    print(f"all          recall {sum(every) / len(every):.3f} of {len(every)}")
    for what, counted in (("with", groups), ("without", _without(groups, asked.distractors))):
        pairs = Counter(
            one.partition("--")[0] == two.partition("--")[0]
            for group in counted
            for one, two in combinations(group, 2)
        )
        share = pairs[True] / max(pairs.total(), 1)
        print(f"precision {share:.4f} of {pairs.total()} pairs, {what} other moments and clips")


def _without(groups: list[list[str]], prefix: str) -> list[list[str]]:
    return [[name for name in group if not name.startswith(prefix)] for group in groups]


if __name__ == "__main__":
    main()
