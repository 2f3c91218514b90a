"""Precision, recall and cost of the shot detectors on real clips whose transitions are known.

    python benchmarks/real/shots.py --videos DIR [--truth DIR]
        [--backend embedded --backend transnetv2]

`--videos` holds an INDEX.tsv with the columns `file` and `ground_truth`, the latter reading
`cuts(first frame of new shot...): 30,76` and optionally `+ fades ~73,160`.

How it counts: a detection within 2 frames of a listed hard cut is right, each cut once. One whose
frames come within 6 of a listed fade or dissolve is neither right nor wrong, and a fade that is
not detected is no miss: the list gives no bounds for them. Other gradual transitions are counted
on their own (`unlisted`), since the list may miss some. Everything else is a false cut, also in
clips without any listed cut.

`--truth` holds `videos/` and `truth/NAME.json` with `kind`. Those of kind `cuts` have `cuts` and
`gradual`, a list of [first, last, kind]: a boundary from 2 frames before the first to 2 after the
last is right. All others are single shots: every boundary in them is false, as they are and with
flashes of 1, 2, 3 and 4 frames written into them by ffmpeg.
"""

import argparse
import csv
import json
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from clipmill.annotations.base import ClipInput
from clipmill.annotations.registry import find_backend
from clipmill.annotations.shots.boundaries import cuts_from_scores, shots_from_scores
from clipmill.clips import Clip, Video, video_id_for
from clipmill.store.codecs import decode_array

CUT_TOLERANCE = 2
FADE_TOLERANCE = 6
FLASHES = ((20, 1), (50, 2), (80, 3), (105, 4))
"""(first frame, frames) of the flashes; the videos have 128 frames or more."""


@dataclass(frozen=True)
class Boundary:
    """A found boundary: frame `at`, within frames [first, last) that no shot has."""

    at: int
    first: int
    last: int


@dataclass(frozen=True)
class Listed:
    """What the index says of a file: frames of its hard cuts and about where it fades."""

    file: str
    cuts: tuple[int, ...]
    fades: tuple[int, ...]


@dataclass(frozen=True)
class Count:
    """Outcome of one file or of many."""

    right: int = 0
    false: int = 0
    missed: int = 0
    unlisted: int = 0
    frames: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.right + other.right,
            self.false + other.false,
            self.missed + other.missed,
            self.unlisted + other.unlisted,
            self.frames + other.frames,
            self.seconds + other.seconds,
        )

    def line(self, name: str) -> str:
        """Return one row of the printed table."""
        found, listed = self.right + self.false, self.right + self.missed
        precision = f"{self.right / found:.3f}" if found else "-"
        recall = f"{self.right / listed:.3f}" if listed else "-"
        total = 2 * self.right + self.false + self.missed
        f1 = f"{2 * self.right / total:.3f}" if total else "-"
        cost = 1000 * self.seconds / max(self.frames, 1)
        return (
            f"{name[:44]:44} {self.right:5} {self.false:5} {self.missed:6} {self.unlisted:8} "
            f"{precision:>9} {recall:>6} {f1:>6} {cost:12.2f}"
        )


def read_index(folder: Path) -> list[Listed]:
    """Read the listed cuts and fades of every file."""
    listed = []
    with (folder / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            truth = row["ground_truth"] or ""
            cuts = re.search(r"cuts\([^)]*\): *([\d,]+)", truth)
            fades = re.search(r"(?:fade|dissolve)\S* ~([\d,]+)", truth)
            listed.append(
                Listed(
                    row["file"], *(_numbers(found[1] if found else "") for found in (cuts, fades))
                )
            )
    return listed


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",") if number)


def count_cuts(found: list[Boundary], listed: Listed) -> tuple[int, int, int, int]:
    """Return (right, false, missed, unlisted)."""
    left = list(listed.cuts)
    right = false = unlisted = 0
    for boundary in found:
        near = [cut for cut in left if abs(cut - boundary.at) <= CUT_TOLERANCE]
        first, last = boundary.first - FADE_TOLERANCE, boundary.last + FADE_TOLERANCE
        if near:
            left.remove(min(near, key=lambda cut: abs(cut - boundary.at)))
            right += 1
        elif not any(first <= fade <= last for fade in listed.fades):
            false, unlisted = (
                (false, unlisted + 1) if boundary.last > boundary.first else (false + 1, unlisted)
            )
    return right, false, len(left), unlisted


def boundaries(row: Any) -> list[Boundary]:
    """Return what the split step makes of a row."""
    scores = decode_array(row.scores)
    settings = {"threshold": row.threshold, "num_decoded": row.num_decoded}
    cuts = cuts_from_scores(scores, **settings)
    gaps = pairwise(shots_from_scores(scores, **settings))
    return [Boundary(at, end, start) for at, ((_, end), (start, _)) in zip(cuts, gaps, strict=True)]


def clip_input(path: Path) -> ClipInput:
    """Return the whole video as one probed clip."""
    video = Video(video_id_for(path.name), "", path.name, str(path), path.stat().st_size)
    probe = find_backend("probe", "embedded")
    backend = probe(probe.Config())
    (row,) = backend.annotate([backend.load(ClipInput(video, Clip(video.video_id, 0, 1)))])
    return ClipInput(video, Clip(video.video_id, 0, row.num_frames), probe=row)


def open_backend(name: str) -> Any:
    backend_class = find_backend("shots", name)
    backend = backend_class(backend_class.Config())
    backend.setup()
    return backend


def found_in(backend: Any, path: Path) -> list[Boundary]:
    (row,) = backend.annotate([backend.load(clip_input(path))])
    return boundaries(row)


def run(backend: Any, folder: Path, index: list[Listed]) -> Count:
    print(f"\n{backend.name}: {backend.identity(backend.config) or 'no weights'}")
    print(f"{'file':44} right false missed unlisted precision recall     F1 CPU ms/frame")
    total = Count()
    for listed in index:
        item = clip_input(folder / listed.file)
        began = time.process_time()
        (row,) = backend.annotate([backend.load(item)])
        seconds = time.process_time() - began
        counted = count_cuts(boundaries(row), listed)
        count = Count(*counted, frames=row.num_decoded, seconds=seconds)
        total += count
        print(count.line(listed.file), flush=True)
    print(total.line("TOTAL"))
    return total


def run_truth(backend: Any, root: Path) -> None:
    """Print how many hard cuts and gradual transitions are found, and what is found besides."""
    cuts = hits = false = single = flashes = with_cut = 0
    gradual: dict[str, list[bool]] = {}
    for path in sorted((root / "truth").glob("*.json")):
        truth = json.loads(path.read_text("utf-8"))
        video = root / "videos" / f"{path.stem}.mp4"
        found = [boundary.at for boundary in found_in(backend, video)]
        if truth["kind"] == "cuts":
            rest = list(found)
            for cut in truth["cuts"]:
                near = [at for at in rest if abs(at - cut) <= CUT_TOLERANCE]
                hits += bool(near)
                rest = [at for at in rest if at not in near[:1]]
            cuts += len(truth["cuts"])
            spans = [(a - CUT_TOLERANCE, b + CUT_TOLERANCE, how) for a, b, how in truth["gradual"]]
            for a, b, how in spans:
                gradual.setdefault(how, []).append(any(a <= at <= b for at in rest))
            false += sum(not any(a <= at <= b for a, b, _ in spans) for at in rest)
        else:
            single += len(found)
            flashes += len(FLASHES)
            with_cut += flashes_cut(backend, video)
    print(f"hard cuts: {hits} of {cuts}, false {false}")
    for how, right in gradual.items():
        print(f"{how}: {sum(right)} of {len(right)}")
    print(f"boundaries in single shots: {single}; flashes that are cut: {with_cut} of {flashes}")


def flashes_cut(backend: Any, video: Path) -> int:
    """Return how many flashes, written into a single shot, give a boundary."""
    between = "+".join(f"between(n,{at},{at + count - 1})" for at, count in FLASHES)
    light = f"lutyuv=y='clip(val*1.8+60,16,235)':enable='{between}'"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "flashes.mp4"
        command = ["ffmpeg", "-v", "error", "-i", str(video), "-vf", light, "-an", str(target)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        found = [boundary.at for boundary in found_in(backend, target)]
    return sum(any(at - 2 <= cut <= at + count + 2 for cut in found) for at, count in FLASHES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder with INDEX.tsv")
    parser.add_argument("--truth", type=Path, help="folder with videos/ and truth/")
    parser.add_argument("--backend", action="append", choices=["embedded", "transnetv2"])
    arguments = parser.parse_args()
    index = read_index(arguments.videos)
    for name in arguments.backend or ["embedded", "transnetv2"]:
        backend = open_backend(name)
        run(backend, arguments.videos, index)
        if arguments.truth:
            run_truth(backend, arguments.truth)


if __name__ == "__main__":
    main()
