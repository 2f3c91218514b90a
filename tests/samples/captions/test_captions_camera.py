"""The camera in words of film, only as far as it was measured."""

import pytest
from caption_samples import LENGTH, camera_of, sample_of

from clipmill.samples.captions.camera import camera_moves
from clipmill.samples.captions.camera_words import camera_words


def say(row, **sample) -> str:
    return camera_words(camera_moves(row, sample_of(**sample)))


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        ({}, "the camera is still"),
        ({"pan": [0.02], "tilt": [0.005]}, "the camera is almost still"),
        ({"pan": [0.06]}, "the camera moves slightly"),
        ({"pan": [0.5]}, "the camera pans right"),
        ({"pan": [-0.5]}, "the camera pans left"),
        ({"pan": [0.14]}, "the camera pans slowly right"),
        ({"pan": [3.0]}, "the camera pans quickly right"),
        ({"tilt": [0.5]}, "the camera tilts up"),
        ({"tilt": [-0.5]}, "the camera tilts down"),
        ({"pan": [-0.5], "tilt": [0.4]}, "the camera pans left and tilts up"),
        ({"pan": [0.5], "tilt": [0.1]}, "the camera pans right"),
        ({"pan": [0.5, -0.5]}, "the camera pans right, then left"),
        ({"pan": [-0.5, 0.5, -0.5, 0.5]}, "the camera pans left and right"),
        ({"pan": [0.8, -0.8], "tilt": [0.3]}, "the camera pans right, then left, and tilts up"),
        ({"zoom": 1.02}, "the camera zooms in"),
        ({"zoom": 0.98}, "the camera zooms out"),
        ({"zoom": 1.02, "pan": [1.0]}, "the camera pans right"),
        ({"roll": 1.0}, "the camera rolls clockwise"),
    ],
)
def test_a_camera_that_stays_in_its_place(camera, words):
    assert say(camera_of(**camera)) == words


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ((0.0, 0.0, 0.02), "the camera dollies in"),
        ((0.0, 0.0, -0.02), "the camera dollies out"),
        ((0.02, 0.0, 0.0), "the camera trucks right"),
        ((-0.02, 0.0, 0.015), "the camera trucks left and dollies in"),
        ((0.0, -0.02, 0.0), "the camera pedestals up"),
        ((0.0, 0.0, 0.002), "the camera moves slightly"),
    ],
)
def test_a_camera_that_travels(step, words):
    # Parallax: few points follow one plane, and all are far from it.
    assert say(camera_of(step=step, pan=[0.001], share=0.4, residual=4.0)) == words


def test_travel_and_turning_are_told_side_by_side():
    row = camera_of(step=(0.0, 0.0, 0.02), pan=[0.8], share=0.6, residual=2.0)
    assert say(row) == "the camera pans right and dollies in"


def test_where_turning_and_going_sideways_look_the_same_the_view_moves():
    for weak in ({"share": 0.7}, {"residual": 1.5}):
        assert say(camera_of(pan=[0.5], **weak)) == "the view moves to the right"
        assert say(camera_of(tilt=[0.5], **weak)) == "the view moves up"
        assert say(camera_of(pan=[0.5], tilt=[0.4], **weak)) == "the view moves to the right and up"
        # Neither is a zoom or a slight motion worth a word then.
        assert say(camera_of(zoom=1.02, **weak)) == ""
        assert say(camera_of(pan=[0.06], **weak)) == ""


def test_what_was_followed_but_is_no_background_says_nothing():
    assert say(camera_of(pan=[0.5], share=0.4)) == ""
    assert say(camera_of(pan=[0.5], residual=4.0)) == ""


def test_too_little_measured_says_nothing():
    assert say(None) == ""
    assert say(camera_of(pan=[0.5], measured=0.7)) == ""
    assert say(camera_of(measured=0.7)) == ""
    assert say(camera_of(), num_frames=1) == ""


def test_only_the_frames_of_the_sample_count():
    row = camera_of(pan=[0.5, -0.5])
    assert say(row, num_frames=LENGTH // 2) == "the camera pans right"
    assert say(row, anchor=LENGTH // 2) == "the camera pans left"
