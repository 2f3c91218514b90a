"""Rows made from the truth score perfectly; each spoilt row misses the bar that is meant for it."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.inout.schema import InOutRow, ObjectInOut, Region
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.quality.schema import QualityRow
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.clips import Clip, object_id_for
from clipmill.demo.scene import Camera, Scene, Shot, Sprite, carry, truth, visible_masks
from clipmill.demo.score import score_demo, score_table
from clipmill.demo.score_base import DemoRows
from clipmill.store.codecs import encode_array, encode_bits, encode_mask, encode_tracks

FIRST = 8
CUP = Sprite(
    name="cup", photo="coffee", crop=(75, 12, 482, 378), size=(70, 64), start=(-75, 90),
    velocity=(5.0, 0.0),
)  # fmt: skip
FLOWER = Sprite(
    name="flower", photo="flower", crop=(168, 86, 444, 360), size=(64, 64), start=(230, 90),
    velocity=(-4.0, 0.0),
)  # fmt: skip
REST = replace(CUP, name="rest", start=(160, 150), velocity=(0.0, 0.0), size=(60, 50))
SCENE = Scene(
    shots=(
        Shot(num_frames=FIRST, background="china"),
        Shot(num_frames=40, background="brick", sprites=(REST, FLOWER, CUP)),
    ),
    width=320,
    height=180,
)
PAN = Scene(
    shots=(Shot(num_frames=10, background="china", camera=Camera(pan=(-3, 4), zoom=1.01)),),
    width=320,
    height=180,
    text="hello",
    blur=2.0,
)
TRUTHS = {"moves.mp4": truth(SCENE), "pan.mp4": truth(PAN)}
ANCHOR = 20
"""Clip index: both movers are in the picture; the cup came in at clip index 8."""

WHOLE = Clip("0" * 16, 0, FIRST + 40)
SHOT = Clip("0" * 16, FIRST, FIRST + 40)
SPRITES = {1: FLOWER, 2: CUP}


def shots_row(*cuts: int, length: int = 48) -> ShotsRow:
    scores = np.zeros(length, np.float16)
    scores[list(cuts)] = 9
    return ShotsRow(encode_array(scores), 3.0, length)


def quality_row(**values: float) -> QualityRow:
    blank = dict.fromkeys(QualityRow.__dataclass_fields__)
    return QualityRow(**{**blank, "frames": (0, 1, 2), **values})


def camera_row(**values: float) -> CameraRow:
    blank = dict.fromkeys(CameraRow.__dataclass_fields__, b"")
    return CameraRow(**{**blank, "rotation": 0.0, "zoom": 0.0, "pan_speed": 0.0, **values})


def objects_row(*masks: np.ndarray) -> ObjectsRow:
    blank = dict.fromkeys(DetectedObject.__dataclass_fields__)
    found = tuple(DetectedObject(**{**blank, "mask": encode_mask(mask)}) for mask in masks)
    return ObjectsRow((Anchor(ANCHOR, found),), 1, len(found))


def masks_at(clip_index: int) -> np.ndarray:
    return visible_masks(SCENE, FIRST + clip_index)


def tracks_of(number: int, *, shift: float = 0.0, points=None) -> ObjectTracks:
    frame, sprite = FIRST + ANCHOR, SPRITES[number]
    if points is None:
        where = np.argwhere(masks_at(ANCHOR)[number])[::400, ::-1]
        path = [carry(SCENE, sprite, where, frame, f) for f in range(frame, SHOT.end)]
        points = np.stack(path) + shift
        points[0] -= shift
    length, count = points.shape[:2]
    blank = dict.fromkeys(ObjectTracks.__dataclass_fields__)
    values = {
        "object_id": object_id_for(SHOT.clip_id, ANCHOR, number),
        "anchor": ANCHOR,
        "num_frames": length,
        "num_points": count,
        "points": encode_tracks(points),
        "visibility": encode_bits(np.ones((length, count), bool)),
        "survived": encode_bits(np.ones(count, bool)),
    }
    return ObjectTracks(**{**blank, **values})


def inout_of(number: int, **values) -> ObjectInOut:
    blank = dict.fromkeys(ObjectInOut.__dataclass_fields__)
    enter = TRUTHS["moves.mp4"].sprite(SPRITES[number].name).enter_frame
    perfect = {
        "anchor": ANCHOR,
        "first_frame": 0,
        "masks": tuple(encode_mask(masks_at(t)[number]) for t in range(40)),
        "enter_frame": None if enter is None else enter - FIRST,
        "regions": (Region((250, 0, 320, 40), "16:9", 2800, None, None),),
    }
    return ObjectInOut(**{**blank, **perfect, **values})


def perfect_rows() -> dict:
    masks = masks_at(ANCHOR)
    return {
        "shots": shots_row(FIRST),
        "quality": quality_row(text_area=0.0, clarity=500.0),
        "objects": objects_row(masks[1], masks[2]),
        "camera": camera_row(),
        "tracks": TracksRow((tracks_of(1), tracks_of(2)), 2),
        "inout": InOutRow((inout_of(1), inout_of(2)), 2),
    }


def score(**changed) -> dict:
    rows = {**perfect_rows(), **changed}
    pan_rows = {
        "shots": shots_row(length=10),
        "quality": changed.get("pan_quality", quality_row(text_area=0.2, clarity=5.0)),
        "camera": changed.get("pan_camera", camera_row(pan_speed=5.0, zoom=float(np.log(1.01)))),
    }
    found = {
        "moves.mp4": [
            DemoRows(WHOLE, {"shots": rows.pop("shots")}),
            DemoRows(SHOT, {name: row for name, row in rows.items() if "pan" not in name}),
        ],
        "pan.mp4": [DemoRows(Clip("1" * 16, 0, 10), pan_rows)],
        "real.mp4": [DemoRows(WHOLE, perfect_rows())],
    }
    return {line.name: line for line in score_demo(TRUTHS, found)}


def missed(scores: dict) -> list[str]:
    return [name for name, line in scores.items() if not line.passed]


def test_rows_made_from_the_truth_are_perfect() -> None:
    scores = score()
    assert missed(scores) == []
    assert scores["shots: F1 of hard cuts"].value == 1
    assert scores["objects: mask IoU at the anchor"].value == 1
    assert scores["objects: mask IoU at the anchor"].count == 2  # The resting one is no mover.
    assert scores["tracks: median error"].value < 1 / 16
    assert scores["inout: entry and exit error"].value == 0
    assert scores["inout: entry and exit error"].count == 1
    assert scores["camera: pan speed, relative error"].value == pytest.approx(0)


def moved(number: int, pixels: int) -> np.ndarray:
    return np.roll(masks_at(ANCHOR)[number], pixels, axis=1)


def jump() -> TracksRow:
    """Points of the flower that go along with the cup once they meet."""
    flower, cup = tracks_of(1), tracks_of(2)
    where = np.argwhere(masks_at(ANCHOR)[1])[::400, ::-1].astype(float)
    frame = FIRST + ANCHOR
    middle = np.array([TRUTHS["moves.mp4"].sprite("cup").centres[ANCHOR + 19]])
    path = np.stack([where] * (SHOT.end - frame))
    path[19] = middle
    return TracksRow((tracks_of(1, points=path), cup, flower), 3)


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"shots": shots_row()}, ["shots: F1 of hard cuts"]),
        ({"shots": shots_row(FIRST, 20, 30)}, ["shots: F1 of hard cuts"]),
        ({"shots": shots_row(FIRST + 3)}, ["shots: F1 of hard cuts"]),
        ({"shots": shots_row(FIRST - 2)}, []),
        (
            {"quality": quality_row(text_area=0.15, clarity=500.0)},
            ["quality: text area, subtitles over the rest"],
        ),
        (
            {"quality": quality_row(text_area=0.0, clarity=6.0)},
            ["quality: clarity, blurred over the rest"],
        ),
        (
            {"objects": objects_row(masks_at(ANCHOR)[1])},
            ["objects: mask IoU at the anchor"],
        ),
        (
            {"objects": objects_row(*masks_at(ANCHOR))},
            ["objects: invented"],
        ),
        (
            {"objects": objects_row(moved(1, 20), moved(2, -12))},
            ["objects: mask IoU at the anchor"],
        ),
        ({"camera": camera_row(rotation=0.06)}, ["camera: rotation of still cameras"]),
        (
            {"pan_camera": camera_row(pan_speed=4.2, zoom=float(np.log(1.01)))},
            ["camera: pan speed, relative error"],
        ),
        ({"pan_camera": camera_row(pan_speed=5.0)}, ["camera: zoom, relative error"]),
        (
            {"tracks": TracksRow((tracks_of(1, shift=1.5), tracks_of(2, shift=1.5)), 2)},
            ["tracks: median error"],
        ),
        ({"tracks": jump()}, ["tracks: points that jump to another object"]),
        (
            {"inout": InOutRow((inout_of(2, masks=inout_of(1).masks, anchor=5),), 1)},
            ["inout: entry and exit error"],
        ),
        ({"inout": InOutRow((inout_of(2, enter_frame=None),), 1)}, ["inout: entry and exit error"]),
        ({"inout": InOutRow((inout_of(2, exit_frame=30),), 1)}, ["inout: entry and exit error"]),
        (
            {
                "inout": InOutRow(
                    (inout_of(2, regions=(Region((0, 0, 99, 99), "1:1", 9801, None, None),)),), 1
                )
            },
            ["inout: regions that show the object at the start"],
        ),
    ],
)
def test_a_spoilt_row_misses_its_bar(changed, names) -> None:
    assert missed(score(**changed)) == names


def test_masks_that_stay_behind_lower_the_overlap() -> None:
    frozen = inout_of(1, masks=(encode_mask(masks_at(ANCHOR)[1]),) * 40)
    scores = score(inout=InOutRow((frozen, inout_of(2)), 2))
    assert missed(scores) == ["inout: mask IoU over time"]


def test_nothing_to_compare_does_not_pass() -> None:
    scores = score_demo(TRUTHS, {})
    assert all(line.value is None and not line.passed for line in scores)
    console = Console(width=120, record=True)
    console.print(score_table([*scores, *score().values()]))
    text = console.export_text()
    assert text.count("nothing to compare") == len(scores)
    assert text.count("missed") == text.count("ok ") == len(scores)
