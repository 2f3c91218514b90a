"""The renderer's pixels must agree with the truth it tells."""

from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from clipmill.demo.scene import (
    Camera,
    Scene,
    Shot,
    Sprite,
    background_motion,
    carry,
    point_visibility,
    render,
    render_frame,
    truth,
    visible_masks,
    write_video,
)
from clipmill.demo.truth import load_truth, save_truth

FLOWER = Sprite(
    name="flower",
    photo="flower",
    crop=(168, 86, 444, 360),
    size=(90, 90),
    start=(80, 90),
    velocity=(2.25, 0.4),
    spin=1.0,
    growth=1.003,
)
CUP = Sprite(
    name="cup",
    photo="coffee",
    crop=(75, 12, 482, 378),
    size=(80, 72),
    start=(260, 100),
    velocity=(-3.0, 0.0),
    outline="superellipse",
)


def scene_of(*sprites: Sprite, frames: int = 30, **kwargs) -> Scene:
    shot = Shot(num_frames=frames, background="gravel", sprites=sprites, **kwargs)
    return Scene(shots=(shot,), width=320, height=180, noise=0.0)


def follow(first: np.ndarray, second: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Lucas-Kanade at one level is an independent witness of sub-pixel motion."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
    moved, status, _ = cv2.calcOpticalFlowPyrLK(*grey, points.astype(np.float32), None)
    assert status.all()
    return moved


def test_carried_points_follow_the_pixels() -> None:
    scene = scene_of(FLOWER, camera=Camera(pan=(-1.5, 0.25), zoom=1.002, roll=0.1))
    a, b = 4, 8
    centre = np.array(truth(scene).sprite("flower").centres[a])
    points = centre + np.array([[0, 0], [20, 5], [-15, 18], [3, -22]])
    expected = carry(scene, FLOWER, points, a, b)
    seen = follow(render_frame(scene, a), render_frame(scene, b), points)
    assert np.median(np.abs(seen - expected)) < 0.1
    assert np.abs(seen - expected).max() < 0.5
    assert np.linalg.norm(expected - points, axis=1).min() > 1


def test_background_motion_follows_the_pixels() -> None:
    scene = scene_of(camera=Camera(pan=(-1.5, 0.25), zoom=1.004, roll=0.2))
    points = np.array([[60.0, 40], [160, 90], [250, 140], [90, 120]])
    homography = background_motion(scene, 5, 9)
    expected = cv2.perspectiveTransform(points[None], homography)[0]
    seen = follow(render_frame(scene, 5), render_frame(scene, 9), points)
    assert np.abs(seen - expected).max() < 0.2


def test_masks_cover_the_pixels_that_the_sprite_changes() -> None:
    with_cup, without = scene_of(CUP), scene_of()
    for frame in (0, 29):
        pair = [render_frame(s, frame).astype(int) for s in (with_cup, without)]
        changed = np.abs(pair[0] - pair[1]).max(axis=2) > 40
        mask = visible_masks(with_cup, frame)[0]
        assert (changed & mask).sum() / (changed | mask).sum() > 0.9


def test_a_sprite_in_front_hides_the_one_behind() -> None:
    scene = scene_of(FLOWER, CUP)
    frame = 26
    own = visible_masks(scene, frame, occlusion=False)
    seen = visible_masks(scene, frame)
    assert (own[0] & own[1]).sum() > 200
    assert not (seen[0] & seen[1]).any()
    assert (seen[1] == own[1]).all()
    hidden = np.argwhere(own[0] & own[1])[:5, ::-1]
    assert not point_visibility(scene, FLOWER, hidden, frame).any()
    assert point_visibility(scene, CUP, hidden, frame).all()
    assert not point_visibility(scene, CUP, np.array([[-3.0, 5], [500, 5]]), frame).any()


def test_entry_and_exit_frames() -> None:
    comes = Sprite(
        name="comes", photo="coffee", crop=(75, 12, 482, 378), size=(60, 60), start=(-60, 90),
        velocity=(3.0, 0.0), outline="superellipse",
    )  # fmt: skip
    goes = Sprite(
        name="goes", photo="coffee", crop=(75, 12, 482, 378), size=(60, 60), start=(290, 90),
        velocity=(4.0, 0.0), outline="superellipse",
    )  # fmt: skip
    facts = truth(scene_of(comes, goes))
    # Right edge of `comes` is at -31 + 3 t; left edge of `goes` at 261 + 4 t of 320.
    assert facts.sprite("comes").enter_frame == pytest.approx(11, abs=1)
    assert facts.sprite("comes").exit_frame is None
    assert facts.sprite("goes").enter_frame is None
    assert facts.sprite("goes").exit_frame == pytest.approx(15, abs=1)


def test_cuts_are_first_frames_and_truth_survives_json(tmp_path) -> None:
    scene = Scene(
        shots=(
            Shot(num_frames=7, background="brick", sprites=(FLOWER,)),
            Shot(num_frames=5, background="china", sprites=(CUP,)),
        ),
        width=160,
        height=90,
    )
    frames = list(render(scene))
    jumps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(frames)]
    facts = truth(scene)
    assert facts.cuts == (7,) == (int(np.argmax(jumps)) + 1,)
    assert (facts.sprite("cup").start, len(facts.sprite("cup").centres)) == (7, 5)
    with pytest.raises(ValueError, match="different shots"):
        carry(scene, FLOWER, np.zeros((1, 2)), 6, 7)
    with pytest.raises(IndexError):
        scene.locate(12)
    save_truth(tmp_path / "truth.json", facts)
    assert load_truth(tmp_path / "truth.json") == facts


def test_rendering_is_repeatable_and_written_as_it_is(tmp_path) -> None:
    scene = Scene(
        shots=(Shot(num_frames=12, background="rocket", sprites=(FLOWER,)),),
        width=160, height=90, noise=3.0, gain=0.7, blur=1.0, text="hello", seed=4,
    )  # fmt: skip
    frames = list(render(scene))
    assert all((a == b).all() for a, b in zip(frames, render(scene), strict=True))
    assert (frames[9] == render_frame(scene, 9)).all()
    path = tmp_path / "scene.mp4"
    assert write_video(path, frames, 25, crf=12) == 12
    with av.open(str(path)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].average_rate == 25
    assert len(decoded) == 12
    error = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames, decoded, strict=True)]
    assert max(error) < 6
    with pytest.raises(ValueError, match="no frames"):
        write_video(tmp_path / "empty.mp4", [], 25)
