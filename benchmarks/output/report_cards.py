"""CPU seconds of a card of the report, over one's own videos.

    python benchmarks/output/report_cards.py VIDEOS [--clips 24] [--keep DIR]

Every video is cut into windows; each window gets one object, whose mask and points move across the
picture and are made up here, so that the player has all layers to show. Told are seconds by how the
preview is made, and of the rest of a card. Bar: under 0.1 CPU s a card.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clipmill.annotations.base import Backend, ClipInput
from clipmill.annotations.inout.schema import InOutRow, ObjectInOut, Region
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.clips import object_id_for
from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.engine.inprocess import InProcessEngine
from clipmill.inspection.clip_rows import anchors_of, read_clip_rows
from clipmill.inspection.gallery.clip_choice import choose_clips, read_sample_facts
from clipmill.inspection.gallery.quick_preview import quick_preview
from clipmill.inspection.preview import make_preview
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.pipeline.run import run_pipeline
from clipmill.report.build import build_report
from clipmill.store.codecs import encode_array, encode_bits, encode_mask, encode_tracks
from clipmill.store.workspace import Workspace

PIPELINE = """
name: report-cards
steps:
  - annotate: probe
  - split: windows
    max_frames: 150
    max_windows: 2
    min_frames: 30
  - annotate: objects
    backend: report_cards:MadeObjects
  - annotate: tracks
    backend: report_cards:MadeTracks
  - annotate: inout
    backend: report_cards:MadeInOut
  - samples: training
"""
POINTS = 20


class _MadeUp(Backend):
    name = "made-up"

    def load(self, item: ClipInput) -> ClipInput:
        return item

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [self.row(item) for item in batch]

    def row(self, item: ClipInput) -> Any:
        raise NotImplementedError


def _size(item: ClipInput) -> tuple[int, int]:
    with item.open() as reader:
        return reader.width, reader.height


def _middle(frame: int, width: int, height: int) -> tuple[float, float, float]:
    """Return the disc of a frame: x, y and radius."""
    return width * (0.2 + 0.003 * frame), height * (0.5 + 0.1 * np.sin(frame / 12)), height / 6


def _mask(frame: int, width: int, height: int) -> np.ndarray:
    x, y, radius = _middle(frame, width, height)
    ys, xs = np.ogrid[:height, :width]
    return np.asarray((xs - x) ** 2 + (ys - y) ** 2 < radius**2)


def _box(frame: int, width: int, height: int) -> tuple[int, int, int, int]:
    x, y, r = _middle(frame, width, height)
    return max(0, int(x - r)), max(0, int(y - r)), min(width, int(x + r)), min(height, int(y + r))


def _points(frame: int, width: int, height: int) -> np.ndarray:
    x, y, radius = _middle(frame, width, height)
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    reach = radius * np.linspace(0.2, 0.9, POINTS)
    return np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=1)


class MadeObjects(_MadeUp):
    """One disc at the first frame."""

    annotation = "objects"
    Row = ObjectsRow

    def row(self, item: ClipInput) -> ObjectsRow:
        size = _size(item)
        mask = _mask(0, *size)
        found = DetectedObject(
            object_id=object_id_for(item.clip.clip_id, 0, 0),
            class_name="disc",
            confidence=0.9,
            area=float(mask.mean()),
            box=tuple(map(float, _box(0, *size))),
            mask=encode_mask(mask),
            points=encode_array(_points(0, *size).astype(np.float32)),
            motion=None,
        )
        return ObjectsRow((Anchor(0, (found,)),), 1, 1)


class MadeTracks(_MadeUp):
    """Points that go with it."""

    annotation = "tracks"
    Row = TracksRow
    reads = ("objects",)

    def row(self, item: ClipInput) -> TracksRow:
        size, (entry,) = _size(item), item.rows["objects"].anchors[0].objects
        points = np.stack([_points(frame, *size) for frame in range(item.clip.num_frames)])
        track = ObjectTracks(
            object_id=entry.object_id,
            anchor=0,
            num_frames=len(points),
            num_points=POINTS,
            points=encode_tracks(points.astype(np.float32)),
            visibility=encode_bits(np.ones(points.shape[:2], bool)),
            cycle_error=encode_array(np.zeros(POINTS, np.float32)),
            survived=encode_bits(np.ones(POINTS, bool)),
            survival=1.0,
            motion_strength=300.0,
            motion_speed=3.0,
            motion_compensated=3.0,
            visible_share=1.0,
        )
        return TracksRow((track,), 1)


class MadeInOut(_MadeUp):
    """Its mask in every frame."""

    annotation = "inout"
    Row = InOutRow
    reads = ("objects", "tracks")

    def row(self, item: ClipInput) -> InOutRow:
        (width, height), (track,) = _size(item), item.rows["tracks"].objects
        frames = range(track.num_frames)
        region = Region((width // 2, 0, width, height), "free", width // 2 * height, 60, None)
        found = ObjectInOut(
            object_id=track.object_id,
            anchor=0,
            first_frame=0,
            masks=tuple(encode_mask(_mask(frame, width, height)) for frame in frames),
            boxes=encode_array(np.array([_box(f, width, height) for f in frames], np.int32)),
            mask_confidence=1.0,
            enter_frame=None,
            exit_frame=None,
            stretches=encode_array(np.zeros((0, 2), np.int32)),
            point_valid=encode_bits(np.ones(POINTS, bool)),
            invalid_share=0.0,
            largest_share=0.1,
            refusal="",
            reference=None,
            others=(),
            regions=(region,),
        )
        return InOutRow((found,), 1)


def measure(workspace: Workspace, clips: int, out: Path) -> None:
    """Tell what each kind of preview costs, then whole reports."""
    context, listing = require_last_run(workspace.root)
    picks = choose_clips(read_sample_facts(context), [], [], count=clips)
    spent: dict[str, list[float]] = defaultdict(list)
    for pick in picks:
        known = read_clip_rows(context, listing, pick.clip)
        anchor = anchors_of(pick, known)[0]
        for make in (quick_preview, make_preview):
            began = time.process_time()
            preview = make(
                known.video, pick.clip, known.probe, folder=out / "alone", poster_frame=anchor
            )
            kind = "encoded" if make is make_preview else "stills" if preview.shown else "copied"
            spent[kind].append(time.process_time() - began)
            preview.poster.unlink()
    for kind, seconds in spent.items():
        tell(f"preview, {kind}", len(seconds), sum(seconds))
    for name, encode in (("report", False), ("report --encode-previews", True)):
        taken = {}
        for gallery in (0, clips):
            began = time.process_time()
            build_report(context, listing, out=out / name, gallery=gallery, encode_previews=encode)
            taken[gallery] = time.process_time() - began
        tell(f"card of `clipmill {name}`", len(picks), taken[clips] - taken[0])
        size = sum(path.stat().st_size for path in (out / name).rglob("*") if path.is_file())
        print(f"{'':<46}{size / len(picks) / 2**20:6.2f} MiB each")


def tell(what: str, count: int, seconds: float) -> None:
    print(f"{what:<40}{count:4d} x {seconds / count:6.3f} CPU s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--keep", type=Path, help="keep workspace and pages here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        workspace = Workspace.open(folder / "workspace", create=True)
        pipeline = parse_pipeline(PIPELINE, name="report-cards")
        source = SourceConfig(path=str(options.videos.resolve()))
        pipeline = pipeline.model_copy(update={"sources": (source,)})
        run_pipeline(pipeline, workspace, engine=InProcessEngine())
        measure(workspace, options.clips, folder)


if __name__ == "__main__":
    main()
