"""A reader of frameino exports, written from the description of the training loaders alone.

It does what they do, including their carelessness: every file in the CSV folder is a shard, the
last header counts for all, only entry [0] is used, and anything odd raises.
"""

import csv
import json
import sys
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

NEEDED = (
    "video_path",
    "height",
    "width",
    "valid_duration",
    "Panoptic_Segmentation",
    "Structured_Text_Prompt",
    "Obj_Info",
    "Track_Traj",
)


@dataclass
class Item:
    """What the trainer would get of one row."""

    row: dict[str, str]
    prompt: str
    start: int
    frames: list[int]
    points: list[list[list[list[int]]]]
    region: list[Any] | None = None
    reference: np.ndarray | None = None


def read_rows(folder: Path) -> list[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    rows: list[list[str]] = []
    header: list[str] = []
    for path in folder.iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader)
            rows += reader
    return [dict(zip(header, row, strict=True)) for row in rows]


def decoded_frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def load_item(
    row: dict[str, str],
    *,
    video_root: Path,
    id_root: Path,
    num_frames: int,
    stage: int,
    step: int = 2,
    length: int | None = None,
    same_scale: bool = True,
) -> Item:
    """Load a row as the loader does.

    `length` are the video's frames, decoded when None; `same_scale` says that identity images
    have the scale of the video.
    """
    columns = {name: row[name] for name in NEEDED}
    json.loads(columns["Panoptic_Segmentation"])
    path = video_root / columns["video_path"]
    assert path.is_file(), path
    decoded = decoded_frames(path) if length is None else length
    first, end_of_clip = json.loads(columns["valid_duration"])
    clip = list(range(decoded))[first:end_of_clip]
    prompt = json.loads(columns["Structured_Text_Prompt"])[0]
    info = json.loads(columns["Obj_Info"])[0]
    tracks = json.loads(columns["Track_Traj"])[0]
    (start,) = {entry[1] for entry in info}
    assert len(info) == len(tracks) <= 109

    end = min(len(clip), start + step * num_frames)
    end = start + 4 * floor((end - start - 1) / 4) + 1
    frames = clip[start:end:step]
    if stage == 2 and len(frames) < 49:
        raise ValueError("stage 2 wants 49 frames")
    points = [track[start:end:step] for track in tracks]
    for track in points:
        assert len(track) == len(frames)
        assert len({len(frame) for frame in track}) == 1
        for frame in track:
            for x, y in frame:
                assert isinstance(x, int) and isinstance(y, int)
    item = Item(row, prompt, start, frames, points)
    if stage == 2:
        _load_identity(item, id_root, same_scale=same_scale)
    return item


def _load_identity(item: Item, id_root: Path, *, same_scale: bool) -> None:
    identities = json.loads(item.row["ID_info"])[0]
    assert len(identities) == len(item.points)
    chosen = [number for number, entry in enumerate(identities) if entry]
    number = chosen[0]
    (box, path, others), regions = identities[number]
    _, (x0, y0), (x1, y1) = sorted(regions, key=lambda region: region[0])[-5:][-1]
    height, width = int(item.row["height"]), int(item.row["width"])
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    kept = []
    for k, track in enumerate(item.points):
        inside = [k == number or (x0 <= x < x1 and y0 <= y < y1) for x, y in track[0]]
        kept.append([[p for p, ok in zip(frame, inside, strict=True) if ok] for frame in track])
    item.points = kept
    item.region = [x0, y0, x1, y1]
    for name in (path, *others):
        assert not Path(name).is_absolute()
        with Image.open(id_root / name) as image:
            assert image.mode == "RGB", image.mode
            picture = np.asarray(image)
        assert picture.ndim == 3 and picture.shape[2] == 3
        if name == path:
            item.reference = picture
            if same_scale:
                assert picture.shape[:2] == (box[3] - box[1], box[2] - box[0])
