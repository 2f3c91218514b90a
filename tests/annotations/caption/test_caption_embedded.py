"""The embedded backend keeps the data set's own text, and writes none of its own."""

from clipmill.annotations.base import ClipInput
from clipmill.annotations.caption.embedded import ProvidedCaption
from clipmill.annotations.caption.schema import CaptionRow
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.clips import Clip, Video
from clipmill.store.records import from_dict, to_dict

DOG = DetectedObject("x", "dog", 0.9, 0.3, (10.0, 100.0, 210.0, 500.0), b"", b"", 12.0)


def caption(*anchors: Anchor, text: str | None = None, **config) -> CaptionRow:
    row = ObjectsRow(
        anchors=anchors,
        num_anchors=sum(bool(anchor.objects) for anchor in anchors),
        num_objects=sum(len(anchor.objects) for anchor in anchors),
    )
    video = Video("0" * 16, "", "a.mp4", "/a.mp4", 1, text)
    item = ClipInput(video, Clip(video.video_id, 0, 120), rows={"objects": row})
    backend = ProvidedCaption(ProvidedCaption.Config(**config))
    (result,) = backend.annotate([backend.load(item)])
    return result


def test_every_anchor_with_objects_has_the_data_sets_own_text() -> None:
    anchors = Anchor(0, ()), Anchor(40, (DOG,)), Anchor(80, (DOG, DOG))
    row = caption(*anchors, text=" A dog,\n“Rex”, runs. ")
    assert [(c.anchor, c.text) for c in row.captions] == [
        (40, "A dog,\n“Rex”, runs."),
        (80, "A dog,\n“Rex”, runs."),
    ]
    assert (row.origin, row.model, row.num_words) == ("provided", "", 4)
    assert from_dict(CaptionRow, to_dict(row)) == row


def test_a_clip_without_objects_has_it_at_its_first_frame() -> None:
    row = caption(Anchor(0, ()), Anchor(40, ()), text="A dog.")
    assert [c.anchor for c in row.captions] == [0]


def test_without_own_text_there_is_none() -> None:
    anchors = Anchor(0, (DOG,)), Anchor(40, (DOG,))
    nothing = CaptionRow((), "template", "", 0)
    assert caption(*anchors) == nothing
    assert caption(*anchors, text="  \n") == nothing
    assert caption(*anchors, text="A dog.", use_provided=False) == nothing
    assert from_dict(CaptionRow, to_dict(nothing)) == nothing
