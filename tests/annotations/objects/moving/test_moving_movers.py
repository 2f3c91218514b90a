"""Segmentation against scenes whose masks are known exactly."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from clipmill.annotations.objects.carried import CarriedObjectsConfig
from clipmill.annotations.objects.moving.movers import Mover, find_movers, measure_motion
from clipmill.demo.scene import Camera, Scene, Shot, Sprite, render_frame, visible_masks
from clipmill.vision.dense_flow import FlowEstimator

STILL = Camera()
LIMITS = CarriedObjectsConfig().limits
LENGTH = 33
DISTANCES = (-12, -6, -3, 3, 6, 12)


def face(name="face", start=(330.0, 240.0), velocity=(0.0, 0.0), **rest):
    options = {"photo": "astronaut", "crop": (60, 0, 360, 300), "size": (230, 210)} | rest
    return Sprite(name=name, start=start, velocity=velocity, **options)


def cup(name="cup", start=(620.0, 240.0), velocity=(0.0, 0.0), **rest):
    options = {"photo": "coffee", "crop": (120, 60, 480, 340), "size": (220, 200)} | rest
    return Sprite(name=name, start=start, velocity=velocity, **options)


@dataclass(frozen=True)
class Case:
    background: str
    sprites: tuple = ()
    camera: Camera = STILL
    still: tuple[int, ...] = ()
    anchor: int = 16
    gain: float = 1.0
    noise: float = 1.5


CASES = {
    "slow, still camera": Case("brick", (face(velocity=(1.0, 0.3)),)),
    "fast, still camera": Case("rocket", (face(velocity=(8.0, 1.0), start=(260, 220)),)),
    "first frame, nothing before it": Case("china", (face(velocity=(4.0, 0.0)),), anchor=0),
    "panned": Case("gravel", (face(velocity=(4.0, 1.0)),), Camera(pan=(-3.0, 0.0))),
    "zoomed": Case("flower", (cup(velocity=(-4.0, 0.5)),), Camera(zoom=1.004)),
    "a quarter of the frame": Case(
        "china", (face(velocity=(3.0, 0.0), size=(430, 330)),), Camera(pan=(2.0, 0.0))
    ),
    "spinning": Case("ihc", (face(velocity=(3.0, 0.0), spin=0.6),)),
    "two that touch": Case(
        "china",
        (
            face(velocity=(2.0, 0.0), start=(310.0, 240.0)),
            cup(velocity=(-1.5, 0.0), start=(535.0, 240.0)),
        ),
    ),
    "one of two stands still": Case(
        "china", (face(velocity=(2.5, 0.5), start=(220, 240)), cup()), still=(1,)
    ),
}


def movers_in(picture: np.ndarray, others: dict[int, np.ndarray]) -> list[Mover]:
    """Return what moves in a picture, RGB, among its neighbours by their distance."""
    grey = {step: cv2.cvtColor(other, cv2.COLOR_RGB2GRAY) for step, other in others.items()}
    motion = measure_motion(
        cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), grey, FlowEstimator(), LIMITS
    )
    return [] if motion is None else find_movers(picture, motion, LIMITS)


def small(picture):
    return cv2.resize(picture, (480, 270), interpolation=cv2.INTER_AREA)


def look(case):
    shot = Shot(
        num_frames=LENGTH, background=case.background, camera=case.camera, sprites=case.sprites
    )
    scene = Scene(shots=(shot,), gain=case.gain, noise=case.noise)
    steps = [step for step in DISTANCES if 0 <= case.anchor + step < LENGTH]
    frames = {step: small(render_frame(scene, case.anchor + step)) for step in steps}
    anchor = small(render_frame(scene, case.anchor))
    truth = visible_masks(scene, case.anchor)
    return movers_in(anchor, frames), truth


def overlap(mover, mask):
    whole = cv2.resize(mover.mask.astype(np.uint8), mask.shape[::-1]) > 0
    return (whole & mask).sum() / (whole | mask).sum()


@pytest.mark.parametrize("name", CASES)
def test_movers_are_found_and_nothing_else(name):
    case = CASES[name]
    movers, truth = look(case)
    moving = [mask for number, mask in enumerate(truth) if number not in case.still]
    assert len(movers) == len(moving)
    for mask in moving:
        assert max(overlap(mover, mask) for mover in movers) > 0.85
    assert all(mover.confidence > 0.4 for mover in movers)


@pytest.mark.parametrize(
    "camera",
    [Camera(), Camera(pan=(4.0, 0.0)), Camera(zoom=0.994), Camera(roll=0.3)],
    ids=["still", "pan", "zoom", "roll"],
)
def test_nothing_is_found_where_nothing_moves_on_its_own(camera):
    # A sprite without a motion of its own goes along with the background.
    movers, _ = look(Case("china", (face(),), camera))
    assert movers == []


@pytest.mark.parametrize(
    ("background", "gain", "noise"),
    [("rocket", 0.45, 10.0), ("china", 0.45, 14.0), ("rocket", 1.0, 14.0)],
)
def test_noise_is_no_object(background, gain, noise):
    movers, _ = look(Case(background, gain=gain, noise=noise))
    assert movers == []


@pytest.mark.parametrize(
    ("background", "gain", "noise"), [("china", 0.45, 10.0), ("rocket", 1.0, 14.0)]
)
def test_a_mover_in_noise_is_found_and_nothing_else(background, gain, noise):
    mover = face(velocity=(4.0, 0.0))
    (found,), (mask,) = look(Case(background, (mover,), gain=gain, noise=noise))
    assert overlap(found, mask) > 0.85
    assert found.confidence > 0.4


def test_speed_is_measured_against_the_background():
    movers, _ = look(Case("gravel", (face(velocity=(0.0, 4.0)),), Camera(pan=(3.0, 0.0))))
    assert movers[0].speed == pytest.approx(4.0 * 480 / 854, rel=0.1)


def test_what_drives_by_is_no_object():
    """The parallax of a camera that moves forward, as a field of depths streaming outwards."""
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.integers(0, 255, (270, 480), np.uint8), (0, 0), 2)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    y, x = np.mgrid[0:270, 0:480].astype(np.float32)
    # Nearer on the left and below, so no homography explains it.
    nearness = 0.002 + 0.012 * ((x < 200) | (y > 200)) + 0.004 * (np.sin(x / 25) > 0)

    def frame(step):
        scale = 1 + nearness * step
        grey = cv2.remap(
            texture,
            ((x - 240) / scale + 240).astype(np.float32),
            ((y - 110) / scale + 110).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        return np.repeat(grey[..., None], 3, axis=2)

    frames = {step: frame(step) for step in DISTANCES}
    movers = movers_in(frame(0), frames)
    # Profiles ask for 0.3 of this times how sure the mask is, at most 0.8 of it here.
    assert all(mover.confidence < 0.35 for mover in movers)


def test_unrelated_frames_give_nothing_sure():
    rng = np.random.default_rng(0)
    frames = {s: rng.integers(0, 255, (90, 160, 3), np.uint8) for s in (-3, 3)}
    noise = rng.integers(0, 255, (90, 160, 3), np.uint8)
    movers = movers_in(noise, frames)
    assert all(mover.confidence < 0.1 for mover in movers)


def test_black_frames_and_a_single_frame_give_nothing():
    black = np.zeros((90, 160, 3), np.uint8)
    assert movers_in(black, {3: black, -3: black}) == []
    assert movers_in(black, {}) == []
