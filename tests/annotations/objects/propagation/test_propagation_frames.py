from dataclasses import replace

import cv2
import numpy as np
import pytest
from red_ball import Film, item_of_film, straight

from clipmill.annotations.objects.propagation.frames import read_frames
from clipmill.errors import ClipError

FILM = Film((straight(90, 90, 4),), length=12, radius=60)


@pytest.fixture(scope="module")
def item(tmp_path_factory):
    return item_of_film(tmp_path_factory.mktemp("frames") / "film.mp4", FILM)


@pytest.fixture(scope="module")
def frames(item):
    return read_frames(item, work_side=160, detail_side=1024)


def test_pictures_are_no_larger_than_the_source_and_flow_is_at_the_working_size(frames):
    assert len(frames) == 12
    assert frames.source_size == (320, 180)
    assert frames.detail(3).shape == (180, 320, 3)
    assert frames.small(3).shape == (90, 160, 3)
    assert frames.grey(3).shape == (90, 160)
    assert frames.flow(3, 4).shape == (90, 160, 2)


def test_pictures_are_those_of_the_video_in_rgb(frames):
    for number, drawn in enumerate(FILM.pictures()):
        ball = FILM.masks(number)[0]
        apart = np.abs(frames.detail(number).astype(int) - drawn)
        assert np.median(apart) < 4
        red, green, _ = frames.detail(number)[ball].mean(axis=0)
        assert red > green + 60


def test_flow_goes_both_ways_in_working_pixels(frames):
    ball = cv2.resize(FILM.masks(5)[0].astype(np.uint8), frames.work) > 0
    ball = cv2.erode(ball.astype(np.uint8), np.ones((9, 9))) > 0
    assert np.median(frames.flow(5, 6)[ball], axis=0) == pytest.approx([2, 0], abs=0.2)
    assert np.median(frames.flow(5, 4)[ball], axis=0) == pytest.approx([-2, 0], abs=0.2)
    still = frames.flow(5, 6)[:8]
    assert np.abs(still).max() < 0.3


def test_flow_is_trusted_where_it_goes_there_and_back(tmp_path):
    fast = Film((straight(60, 90, 12),), length=3)
    frames = read_frames(item_of_film(tmp_path / "fast.mp4", fast), work_side=320, detail_side=320)
    now, after = fast.masks(0)[0], fast.masks(1)[0]
    trusted = frames.trusted(0, 1)
    assert trusted[~(now | after)].mean() > 0.95
    assert trusted[after & ~now].mean() < 0.6, "the ball hides this"


def test_a_clip_inside_a_video_begins_at_its_own_first_frame(tmp_path):
    item = item_of_film(tmp_path / "inside.mp4", FILM, start=4, end=9)
    frames = read_frames(item, work_side=320, detail_side=320)
    assert len(frames) == 5
    ball = FILM.masks(4)[0]
    assert frames.detail(0)[ball, 0].mean() > frames.detail(0)[ball, 1].mean() + 60


def test_portrait_pictures_stay_upright(tmp_path):
    film = Film((straight(60, 90, 1),), length=3, size=(180, 320))
    frames = read_frames(item_of_film(tmp_path / "tall.mp4", film), work_side=160, detail_side=200)
    assert frames.work == (90, 160)
    assert frames.detail(0).shape[:2] == (200, 112)


def test_a_single_frame_has_no_flow(tmp_path):
    item = item_of_film(tmp_path / "one.mp4", FILM, start=3, end=4)
    frames = read_frames(item, work_side=160, detail_side=160)
    assert len(frames) == 1
    assert frames.detail(0).shape == (90, 160, 3)


def test_the_deadline_is_asked_at_every_frame(item):
    asked = []
    read_frames(replace(item, check=lambda: asked.append(1)), work_side=64, detail_side=64)
    assert len(asked) >= FILM.length


def test_a_file_that_is_gone_is_a_clip_error(tmp_path):
    item = item_of_film(tmp_path / "gone.mp4", FILM)
    (tmp_path / "gone.mp4").unlink()
    with pytest.raises(ClipError):
        read_frames(item, work_side=64, detail_side=64)
