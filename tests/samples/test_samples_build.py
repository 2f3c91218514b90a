from dataclasses import replace

import numpy as np
import pytest

from clipmill.annotations.caption.schema import AnchorCaption, CaptionRow
from clipmill.annotations.inout.schema import IdentityImage, InOutRow, ObjectInOut, Region
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.clips import Clip, Video, object_id_for, video_id_for
from clipmill.samples.build import ClipAnnotations, SampleLimits, build_samples
from clipmill.store.codecs import (
    decode_bits,
    decode_tracks,
    encode_array,
    encode_bits,
    encode_mask,
    encode_tracks,
)

VIDEO = Video(video_id_for("v.mp4"), "", "v.mp4", "/data/v.mp4", 10)
CLIP = Clip(VIDEO.video_id, 100, 300)
PROBE = ProbeRow(640, 360, 0, 16 / 9, 25.0, 400, 16.0, "h264", "yuv420p", "mov", 1, False, False,
                 True, "", b"")  # fmt: skip


def detected(anchor: int, number: int) -> DetectedObject:
    return DetectedObject(
        object_id=object_id_for(CLIP.clip_id, anchor, number),
        class_name="object",
        confidence=1.0,
        area=0.1,
        box=(0.0, 0.0, 10.0, 10.0),
        mask=encode_mask(np.ones((4, 4), bool)),
        points=encode_array(np.zeros((3, 2), np.float32)),
        motion=1.0,
    )


def tracked(entry: DetectedObject, anchor: int, survived=(True, True, False)) -> ObjectTracks:
    points = np.arange(5 * 3 * 2, dtype=np.float32).reshape(5, 3, 2)
    return ObjectTracks(
        object_id=entry.object_id,
        anchor=anchor,
        num_frames=5,
        num_points=3,
        points=encode_tracks(points),
        visibility=encode_bits(np.ones((5, 3), bool)),
        cycle_error=encode_array(np.zeros(3, np.float32)),
        survived=encode_bits(np.array(survived)),
        survival=float(np.mean(survived)),
        motion_strength=1.0,
        motion_speed=1.0,
        motion_compensated=1.0,
        visible_share=1.0,
    )


def judged(entry: DetectedObject, anchor: int, *, refusal="", valid=(True, True, True)):
    image = IdentityImage(anchor, (0, 0, 10, 10), b"png")
    return ObjectInOut(
        object_id=entry.object_id,
        anchor=anchor,
        first_frame=anchor,
        masks=(),
        boxes=encode_array(np.zeros((0, 4), np.int32)),
        mask_confidence=1.0,
        enter_frame=None,
        exit_frame=150,
        stretches=encode_array(np.array([[0, 150]], np.int32)),
        point_valid=encode_bits(np.array(valid)),
        invalid_share=0.0,
        largest_share=0.2,
        refusal=refusal,
        reference=image,
        others=(image,),
        regions=(Region((0, 0, 5, 5), "1:1", 25, None, None),),
    )


CAPTIONS = CaptionRow((AnchorCaption(0, "first"), AnchorCaption(66, "second")), "provided", "", 1)


def build(objects, tracks, inout=None, kept=None, caption=CAPTIONS, **limits):
    rows = ClipAnnotations(
        probe=PROBE,
        objects=ObjectsRow(tuple(objects), len(objects), 0),
        tracks=TracksRow(tuple(tracks), len(tracks)),
        caption=caption,
        inout=None if inout is None else InOutRow(tuple(inout), len(inout)),
    )
    return list(
        build_samples(
            video=VIDEO, clip=CLIP, rows=rows, kept_objects=kept, limits=SampleLimits(**limits)
        )
    )


def test_one_sample_per_anchor_with_its_own_caption():
    first, second = detected(0, 0), detected(66, 0)
    samples = build(
        [Anchor(0, (first,)), Anchor(66, (second,))], [tracked(first, 0), tracked(second, 66)]
    )
    assert [s.caption for s in samples] == ["first", "second"]
    assert [s.num_frames for s in samples] == [200, 134]
    assert samples[1].sample_id == f"{CLIP.clip_id}-a00066"
    assert samples[0].objects[0].object_id == first.object_id


def test_a_caption_never_slides_to_another_anchor_when_one_is_lost():
    first, second = detected(0, 0), detected(66, 0)
    samples = build(
        [Anchor(0, (first,)), Anchor(66, (second,))],
        [tracked(first, 0), tracked(second, 66)],
        kept={second.object_id},
    )
    assert [(s.caption, s.caption_origin) for s in samples] == [("second", "provided")]


def test_without_a_text_the_sample_is_captioned_from_its_own_objects():
    entry, dropped = detected(0, 0), detected(0, 1)
    nothing = CaptionRow((), "template", "", 0)
    (both,) = build(
        [Anchor(0, (entry, dropped))], [tracked(entry, 0), tracked(dropped, 0)], caption=nothing
    )
    (one,) = build(
        [Anchor(0, (entry, dropped))],
        [tracked(entry, 0), tracked(dropped, 0)],
        caption=nothing,
        kept={entry.object_id},
    )
    assert both.caption_origin == one.caption_origin == "template"
    assert "nother subject" in both.caption
    assert "ubject" in one.caption and "nother" not in one.caption


def test_a_pipeline_without_captions_gives_none():
    entry = detected(0, 0)
    (sample,) = build([Anchor(0, (entry,))], [tracked(entry, 0)], caption=None)
    assert (sample.caption, sample.caption_origin) == ("", "")


def test_lost_points_are_left_out():
    entry = detected(0, 0)
    (sample,) = build([Anchor(0, (entry,))], [tracked(entry, 0)])
    points = decode_tracks(sample.objects[0].points)
    assert points.shape == (5, 2, 2)
    assert points[0].tolist() == [[0, 1], [2, 3]]
    assert decode_bits(sample.objects[0].visibility).shape == (5, 2)


def test_points_off_the_mask_are_left_out_of_accepted_objects():
    entry = detected(0, 0)
    (sample,) = build(
        [Anchor(0, (entry,))], [tracked(entry, 0)], [judged(entry, 0, valid=(False, True, True))]
    )
    assert decode_tracks(sample.objects[0].points)[0].tolist() == [[2, 3]]
    assert sample.stage2
    assert sample.objects[0].regions


def test_an_anchor_without_a_surviving_point_gives_no_sample():
    entry = detected(0, 0)
    assert build([Anchor(0, (entry,))], [tracked(entry, 0, (False,) * 3)]) == []
    assert build([Anchor(0, ())], []) == []


@pytest.mark.parametrize(("needed", "ready"), [(200, True), (201, False)])
def test_stage_2_needs_frames_from_the_anchor_on(needed, ready):
    entry = detected(0, 0)
    (sample,) = build(
        [Anchor(0, (entry,))], [tracked(entry, 0)], [judged(entry, 0)], stage2_min_frames=needed
    )
    assert sample.stage2 is ready
    assert ("200 frames" in sample.stage2_reason) is not ready


def test_a_refused_object_carries_its_reason_and_no_images():
    entry = detected(0, 0)
    (sample,) = build(
        [Anchor(0, (entry,))], [tracked(entry, 0)], [judged(entry, 0, refusal="too_small")]
    )
    assert not sample.stage2
    assert "too_small" in sample.stage2_reason
    assert sample.objects[0].reference is None
    assert sample.objects[0].regions == ()
    assert sample.stage1


@pytest.mark.parametrize(
    ("seen", "length", "refusal"),
    [(60, 97, ""), (40, 48, ""), (60, 68, "no_region"), (95, 103, "")],
)
def test_frames_without_it_fill_up_what_stage_2_needs(seen, length, refusal):
    """Mostly the object must be there; what cannot serve stage 2 gets no frames without it."""
    entry = detected(0, 0)
    there = np.zeros((171, 3), bool)
    there[:seen] = True
    leaving = replace(
        tracked(entry, 0),
        num_frames=171,
        points=encode_tracks(np.zeros((171, 3, 2), np.float32)),
        visibility=encode_bits(there),
    )
    (sample,) = build([Anchor(0, (entry,))], [leaving], [judged(entry, 0, refusal=refusal)])
    assert sample.num_frames == length
    assert sample.stage2 is (length >= 97)
