"""Precision, recall and cost of the shot detectors on clips whose hard cuts are known.

    python benchmarks/shots.py --videos DIR [--backend embedded --backend transnetv2]

DIR holds an INDEX.tsv with the columns `file` and `ground_truth`, the latter reading
`cuts(first frame of new shot...): 30,76` and optionally `+ fades ~73,160`.

How it counts: a detection within 2 frames of a listed hard cut is right, each cut once. A
detection within 6 frames of a listed fade or dissolve is neither right nor wrong, and a fade that
is not detected is no miss: the list gives no bounds for them. Everything else is a false cut, also
in clips without any listed cut.
"""

import argparse
import csv
import re
import time
from dataclasses import dataclass
from pathlib import Path

from clipmill.annotations.base import ClipInput
from clipmill.annotations.registry import find_backend
from clipmill.annotations.shots.boundaries import cuts_from_scores
from clipmill.clips import Clip, Video, video_id_for
from clipmill.store.codecs import decode_array

CUT_TOLERANCE = 2
FADE_TOLERANCE = 6


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
    frames: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.right + other.right,
            self.false + other.false,
            self.missed + other.missed,
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
            f"{name[:44]:44} {self.right:5} {self.false:5} {self.missed:6} "
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


def count_cuts(found: list[int], listed: Listed) -> tuple[int, int, int]:
    """Return (right, false, missed)."""
    left = list(listed.cuts)
    right = false = 0
    for frame in found:
        near = [cut for cut in left if abs(cut - frame) <= CUT_TOLERANCE]
        if near:
            left.remove(min(near, key=lambda cut: abs(cut - frame)))
            right += 1
        elif not any(abs(fade - frame) <= FADE_TOLERANCE for fade in listed.fades):
            false += 1
    return right, false, len(left)


def clip_input(path: Path) -> ClipInput:
    """Return the whole video as one probed clip."""
    video = Video(video_id_for(path.name), "", path.name, str(path), path.stat().st_size)
    probe = find_backend("probe", "embedded")
    backend = probe(probe.Config())
    (row,) = backend.annotate([backend.load(ClipInput(video, Clip(video.video_id, 0, 1)))])
    return ClipInput(video, Clip(video.video_id, 0, row.num_frames), probe=row)


def run(backend_name: str, folder: Path, index: list[Listed]) -> Count:
    backend_class = find_backend("shots", backend_name)
    backend = backend_class(backend_class.Config())
    backend.setup()
    print(f"\n{backend_name}: {backend_class.identity(backend.config) or 'no weights'}")
    print(f"{'file':44} right false missed precision recall     F1 CPU ms/frame")
    total = Count()
    for listed in index:
        item = clip_input(folder / listed.file)
        began = time.process_time()
        (row,) = backend.annotate([backend.load(item)])
        seconds = time.process_time() - began
        found = cuts_from_scores(
            decode_array(row.scores), threshold=row.threshold, num_decoded=row.num_decoded
        )
        count = Count(*count_cuts(found, listed), frames=row.num_decoded, seconds=seconds)
        total += count
        print(count.line(listed.file), flush=True)
    print(total.line("TOTAL"))
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder with INDEX.tsv")
    parser.add_argument("--backend", action="append", choices=["embedded", "transnetv2"])
    arguments = parser.parse_args()
    index = read_index(arguments.videos)
    for backend in arguments.backend or ["embedded", "transnetv2"]:
        run(backend, arguments.videos, index)


if __name__ == "__main__":
    main()
