"""Captions of whole samples: what objects do, against what the camera does."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from caption_samples import (
    HEIGHT,
    LENGTH,
    WIDTH,
    camera_of,
    carried,
    masks_of,
    path,
    sample_of,
    thing,
)

from clipmill.samples.captions import template_caption
from clipmill.store.codecs import decode_tracks, encode_tracks

STILL = camera_of()
ACROSS = path((0.2, 0.5), (0.8, 0.5))
MIDDLE = path((0.5, 0.5))


def said(caption: str, *parts: str) -> None:
    for part in parts:
        assert part.lower() in caption.lower(), caption


@pytest.mark.parametrize(
    ("corners", "words"),
    [
        (((0.2, 0.5), (0.8, 0.5)), "moves from the left of the frame to the right"),
        (((0.8, 0.5), (0.5, 0.5)), "moves from the right of the frame to the centre"),
        (((0.45, 0.5), (0.57, 0.5)), "moves slowly to the right"),
        (((0.5, 0.2), (0.5, 0.8)), "moves from the top of the frame to the bottom"),
        (((0.4, 0.7), (0.6, 0.3)), "moves up and to the right"),
        (((0.3, 0.5), (0.7, 0.5), (0.4, 0.5)), "moves first to the right, then to the left"),
        (((0.3, 0.5), (0.7, 0.5)) * 3, "moves quickly back and forth"),
        (((0.5, 0.5),), "stays in the centre of the frame"),
        (((0.15, 0.2),), "stays in the upper left of the frame"),
        (((0.2, 0.2), (0.8, 0.3), (0.2, 0.5), (0.8, 0.8)), "moves about in the frame"),
    ],
)
def test_motion_before_a_still_camera(corners, words):
    centre = path(*corners)
    entry = thing(centre)
    text = template_caption(sample_of(entry), camera=STILL, inout=carried(masks_of(entry, centre)))
    said(text, f"a subject {words}", "the camera is still")


def test_speed_is_a_matter_of_seconds_and_of_the_picture():
    sample = sample_of(thing(path((0.1, 0.5), (0.9, 0.5))))
    said(template_caption(replace(sample, fps=60.0), camera=STILL), "moves quickly")
    said(template_caption(replace(sample, fps=24.0), camera=STILL), "a subject moves from")
    said(template_caption(replace(sample, fps=4.0), camera=STILL), "moves slowly")


def test_an_object_that_a_turning_camera_follows_moves_by_itself():
    # The background passes to the left by 31 x 0.5 degrees while the object stays.
    text = template_caption(sample_of(thing(MIDDLE)), camera=camera_of(pan=[0.5]))
    said(text, "moves to the right and stays in the centre", "pans right, following the subject")


def test_where_the_camera_may_go_sideways_nobody_knows_who_moves():
    text = template_caption(sample_of(thing(MIDDLE)), camera=camera_of(pan=[0.5], share=0.7))
    assert text == (
        "A subject stays in the centre of the frame while the background passes to the left "
        "behind it."
    )


def test_a_thing_that_a_turning_camera_passes_does_not_move():
    # What belongs to the background goes with it: 5 degrees of a view of 45.
    camera = camera_of(pan=[5 / 31])
    text = template_caption(sample_of(thing(path((0.6, 0.5), (0.495, 0.5)))), camera=camera)
    said(text, "a subject shifts to the left in the frame", "the camera pans slowly right")
    assert "moves" not in text


@pytest.mark.parametrize("camera", [None, camera_of(step=(0.02, 0.0, 0.0), share=0.5)])
def test_without_a_background_only_the_picture_is_told(camera):
    text = template_caption(sample_of(thing(ACROSS)), camera=camera)
    said(text, "a subject shifts from the left of the frame to the right")
    assert "moves" not in text and "quickly" not in text


def test_turning_and_bending_in_place_is_motion_on_the_spot():
    stirring = template_caption(sample_of(thing(MIDDLE, stirs=40)), camera=STILL)
    said(stirring, "moves on the spot in the centre of the frame")


def test_an_object_that_is_seldom_seen_is_only_placed():
    text = template_caption(sample_of(thing(ACROSS, seen=slice(0, 40))), camera=STILL)
    said(text, "a subject starts out on the left side of the frame")
    assert "moves" not in text


def test_masks_that_stay_where_points_go_take_the_motion_back():
    entry = thing(ACROSS)
    text = template_caption(
        sample_of(entry), camera=STILL, inout=carried(masks_of(entry, path((0.2, 0.5))))
    )
    said(text, "a subject starts out on the left side of the frame")


@pytest.mark.parametrize(
    ("growth", "camera", "words"),
    [
        (1.4, STILL, "becoming larger in the frame"),
        (0.7, STILL, "becoming smaller in the frame"),
        (2.0, STILL, "coming closer"),
        (0.5, STILL, "going away"),
        (2.0, camera_of(pan=[0.5]), "becoming larger in the frame"),
        (1.1, STILL, ""),
    ],
)
def test_growth_needs_points_and_masks(growth, camera, words):
    entry = thing(MIDDLE, growth=growth)
    masks = carried(masks_of(entry, MIDDLE, growth=growth))
    both = template_caption(sample_of(entry), camera=camera, inout=masks)
    points = template_caption(sample_of(entry), camera=camera)
    alone = template_caption(sample_of(thing(MIDDLE)), camera=camera, inout=masks)
    growing = re.compile("larger|smaller|closer|going away")
    said(both, words)
    assert bool(growing.search(both)) is bool(words)
    assert not growing.search(points) and not growing.search(alone)


def test_leaving_is_told_with_side_and_time():
    centre = path((0.6, 0.5), (1.1, 0.5))
    exit_frame = 90
    entry = thing(centre, exit_frame=exit_frame, seen=slice(0, exit_frame))
    text = template_caption(sample_of(entry), camera=STILL, inout=carried(masks_of(entry, centre)))
    said(text, "then leaves the frame on the right near the end")
    assert "comes back" not in text


def test_a_thing_that_is_put_down_does_not_leave_with_the_hand():
    """Thing and hand were one mask; the mask leaves, and the points stay on the thing."""
    entry = thing(MIDDLE, exit_frame=90, seen=slice(0, 85))
    masks = carried(masks_of(entry, path((0.5, 0.5), (1.1, 0.5))))
    assert "leaves" not in template_caption(sample_of(entry), camera=STILL, inout=masks)


def test_leaving_without_masks_has_no_side():
    centre = path((0.6, 0.5), (1.1, 0.5))
    text = template_caption(sample_of(thing(centre, exit_frame=90)), camera=STILL)
    said(text, "then leaves the frame near the end")


def test_who_is_seen_after_leaving_comes_back():
    centre = path((0.4, 0.5), (-0.2, 0.5), (0.4, 0.5))
    text = template_caption(sample_of(thing(centre, exit_frame=34)), camera=STILL)
    said(text, "then leaves the frame", "and comes back")


def test_leaving_and_coming_back_shows_in_the_masks():
    centre = path((0.4, 0.5), (-0.3, 0.5), (0.4, 0.5))
    entry = thing(centre, seen=slice(0, 31))
    text = template_caption(sample_of(entry), camera=STILL, inout=carried(masks_of(entry, centre)))
    said(text, "moves", "then leaves the frame on the left")
    entry = thing(centre)
    text = template_caption(sample_of(entry), camera=STILL, inout=carried(masks_of(entry, centre)))
    said(text, "then leaves the frame on the left", "and comes back")


def test_an_object_that_is_hidden_inside_the_frame_does_not_leave():
    entry = thing(MIDDLE)
    masks = masks_of(entry, MIDDLE)
    hidden = [blob if not 40 <= t < 60 else masks_of(entry, path((-9, 0))).masks[0]
              for t, blob in enumerate(masks.masks)]  # fmt: skip
    text = template_caption(
        sample_of(entry), camera=STILL, inout=carried(replace(masks, masks=tuple(hidden)))
    )
    assert "leaves" not in text


@pytest.mark.parametrize("place", [(0.5, 0.5), (0.9, 0.5)])
def test_points_found_again_on_something_else_are_not_the_object(place):
    centre = path((0.2, 0.5), (0.9, 0.5))
    entry = thing(centre)
    points = decode_tracks(entry.points)
    rng = np.random.default_rng(1)
    scattered = np.array(place) * (WIDTH, HEIGHT) + rng.normal(0, 250, points[70:].shape)
    points[70:] = scattered[:1]  # they stay on whatever they hang on
    text = template_caption(
        sample_of(replace(entry, points=encode_tracks(points), exit_frame=65)), camera=STILL
    )
    said(text, "moves from the left of the frame to the right, then leaves the frame")
    assert "comes back" not in text and "then to the left" not in text


def test_only_the_frames_of_the_sample_count():
    centre = path((0.3, 0.5), (0.7, 0.5), (0.3, 0.5))
    half = LENGTH // 2
    first = template_caption(sample_of(thing(centre), num_frames=half), camera=STILL)
    said(first, "moves from the left of the frame to the right")
    entry = thing(centre, anchor=half)
    second = template_caption(sample_of(entry, anchor=half), camera=STILL)
    said(second, "moves from the right of the frame to the left")
    gone = template_caption(sample_of(thing(centre, exit_frame=80), num_frames=half), camera=STILL)
    assert "leaves" not in gone


@pytest.mark.parametrize(
    ("radius", "centre", "name"),
    [
        (300, MIDDLE, "a large subject"),
        (90, MIDDLE, "a subject"),
        (50, MIDDLE, "a small subject"),
    ],
)
def test_size_is_that_in_the_frame(radius, centre, name):
    entry = thing(centre, radius=radius)
    said(template_caption(sample_of(entry), camera=STILL), f"{name} stays")


def test_an_object_that_grows_is_not_small():
    entry = thing(MIDDLE, radius=50, growth=4.0)
    masks = carried(masks_of(entry, MIDDLE, radius=50, growth=4.0))
    text = template_caption(sample_of(entry), camera=STILL, inout=masks)
    assert "small" not in text


def test_the_largest_objects_come_first_and_the_rest_are_counted():
    objects = [
        thing(path((0.2 + 0.1 * k, 0.5)), number=k, radius=60 + 10 * k, class_name=name)
        for k, name in enumerate(["object", "object", "dog", "object", "apple"])
    ]
    text = template_caption(sample_of(*objects), camera=None)
    order = [text.lower().index(part) for part in ("an apple stays", "a subject", "a dog stays")]
    assert order == sorted(order)
    said(text, "two more are in the frame")
    pair = template_caption(sample_of(*objects[:2]), camera=None)
    said(pair, "a small subject stays", "another small subject stays")


def test_the_same_sample_has_the_same_words_and_samples_differ_in_order():
    sample = sample_of(thing(MIDDLE))
    orders = {
        template_caption(replace(sample, sample_id=f"{sample.sample_id}{k}"), camera=STILL)
        for k in range(30)
    }
    assert len(orders) == 3
    assert template_caption(sample, camera=STILL) == template_caption(sample, camera=STILL)


@pytest.mark.parametrize(
    ("ends", "pan", "count"),
    list(product([(0.5, 0.5), (0.9, 0.5), (0.5, 0.1)], [0.0, 0.5, -2.0, None], [1, 2, 5])),
)
def test_every_caption_is_plain_english(ends, pan, count):
    entries = [thing(path((0.5, 0.5), ends), number=k) for k in range(count)]
    camera = None if pan is None else camera_of(pan=[pan])
    text = template_caption(sample_of(*entries), camera=camera)
    assert re.fullmatch(r"([A-Z][a-z]*( [a-z,-]+)*\. ?)+", text), text
    assert not re.search(r"  |\.\.|\ba [aeiou]|\ban [^aeiou]|\b(\w+) \1\b|while.*while", text)
