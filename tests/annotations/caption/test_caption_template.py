"""Captions say what was measured, in whole sentences, or what the data set said."""

import re
from dataclasses import replace
from itertools import product

import pytest

from clipmill.annotations.base import ClipInput
from clipmill.annotations.caption.embedded import TemplateCaption
from clipmill.annotations.caption.schema import CaptionRow
from clipmill.annotations.caption.sentences import describe
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.clips import Clip, Video
from clipmill.store.records import from_dict, to_dict

PROBE = ProbeRow(
    width=800, height=600, rotation=0, aspect_ratio=4 / 3, fps=25.0, num_frames=120, duration=4.8,
    codec="h264", pixel_format="yuv420p", container="mov", num_video_streams=1, has_audio=False,
    variable_rate=False, index_exact=True, index_note="", index=b"",
)  # fmt: skip

DOG = DetectedObject(
    object_id="x",
    class_name="dog",
    confidence=0.9,
    area=0.3,
    box=(10.0, 100.0, 210.0, 500.0),
    mask=b"",
    points=b"",
    motion=12.0,
)
THING = replace(DOG, class_name="object", area=0.1, box=(350.0, 0.0, 450.0, 90.0), motion=5.0)
SPECK = replace(THING, area=0.02, box=(700.0, 0.0, 790.0, 90.0), motion=1.0)


def say(*objects: DetectedObject) -> str:
    return describe(objects, width=800, height=600)


def caption(*anchors: Anchor, text: str | None = None, **config) -> CaptionRow:
    row = ObjectsRow(
        anchors=anchors,
        num_anchors=sum(bool(anchor.objects) for anchor in anchors),
        num_objects=sum(len(anchor.objects) for anchor in anchors),
    )
    video = Video("0" * 16, "", "a.mp4", "/a.mp4", 1, text)
    item = ClipInput(video, Clip(video.video_id, 0, 120), probe=PROBE, rows={"objects": row})
    backend = TemplateCaption(TemplateCaption.Config(**config))
    (result,) = backend.annotate([backend.load(item)])
    return result


def test_one_object() -> None:
    assert say(DOG) == "A large dog moves quickly, starting on the left side of the frame."
    assert say(THING) == "An object moves, starting in the centre of the frame."
    assert say(SPECK) == "A small object moves slowly, starting on the right side of the frame."
    assert say(replace(SPECK, motion=None)) == ("A small object is on the right side of the frame.")


def test_several_objects_are_described_up_to_three() -> None:
    assert say(THING, SPECK) == (
        "Two objects move through the scene: an object moves, starting in the centre of the "
        "frame; and a small object moves slowly, starting on the right side of the frame."
    )
    assert say(*[THING] * 4).startswith("Four objects move through the scene: an object moves")
    assert say(*[THING] * 4).endswith("; and another one.")
    assert say(*[THING] * 6).endswith("; and three others.")
    assert say(*[THING] * 15).startswith("15 objects")
    assert say(*[THING] * 15).endswith("; and 12 others.")
    assert say(DOG, THING).startswith("Two things move through")
    assert say(DOG, replace(THING, motion=None)).startswith("Two things are in the scene")


def test_no_object() -> None:
    row = caption(Anchor(0, ()), Anchor(40, ()))
    assert [(c.anchor, c.text) for c in row.captions] == [
        (0, "A scene in which no object moves on its own.")
    ]
    assert row.num_words == 10


@pytest.mark.parametrize(
    ("area", "x", "motion", "count"),
    list(product([0.01, 0.1, 0.3], [100, 400, 700], [None, 1.0, 5.0, 20.0], [1, 2, 5])),
)
def test_every_caption_is_a_plain_sentence(area, x, motion, count) -> None:
    item = replace(THING, area=area, box=(x - 20.0, 0.0, x + 20.0, 40.0), motion=motion)
    text = say(*[item] * count)
    assert re.fullmatch(r"[A-Z][a-z ,;:]+\.", text)
    assert "  " not in text
    assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|video|gesture", text)


def test_one_caption_per_anchor_with_objects() -> None:
    row = caption(Anchor(0, ()), Anchor(40, (DOG,)), Anchor(80, (THING, SPECK)))
    assert [c.anchor for c in row.captions] == [40, 80]
    assert row.captions[0].text == say(DOG)
    assert row.captions[1].text == say(THING, SPECK)
    assert (row.origin, row.model) == ("template", "")
    assert row.num_words == len(say(DOG).split()) == 13
    assert from_dict(CaptionRow, to_dict(row)) == row


def test_the_data_sets_own_text_comes_first() -> None:
    anchors = Anchor(0, (DOG,)), Anchor(40, (THING,))
    row = caption(*anchors, text=" A dog,\n“Rex”, runs. ")
    assert [c.text for c in row.captions] == ["A dog,\n“Rex”, runs."] * 2
    assert (row.origin, row.num_words) == ("provided", 4)
    assert caption(*anchors, text="  \n").origin == "template"
    assert caption(*anchors, text="A dog.", use_provided=False).origin == "template"
