"""Motion against the background, where one thing covers most of the picture or nothing tells."""

import cv2
import numpy as np
import pytest

from clipmill.annotations.objects.moving.background import fit_background, motion_of
from clipmill.annotations.objects.moving.confidence import find_stream
from clipmill.annotations.objects.moving.evidence import Evidence, measure
from clipmill.annotations.objects.moving.grouping import moving_pixels, speed_floor
from clipmill.vision.dense_flow import FlowEstimator

HEIGHT, WIDTH = 180, 320


@pytest.fixture(scope="module")
def texture():
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT + 80, WIDTH + 80))
    smooth = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 2)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def picture(texture, *, ground=(0, 0), thing=None, at=(slice(0, 0), slice(0, 0))):
    """Return a view of a texture shifted by `ground`, and over it one shifted by `thing`."""

    def view(image, shift):
        x, y = shift
        return image[40 - y : 40 - y + HEIGHT, 40 - x : 40 - x + WIDTH].copy()

    made = view(texture, ground)
    if thing is not None:
        rows, columns = (
            slice(part.start + by, part.stop + by) for part, by in zip(at, thing[::-1], strict=True)
        )
        made[rows, columns] = view(cv2.flip(texture, -1), thing)[rows, columns]
    return made


LARGE = slice(20, 150), slice(50, 280)
"""63 % of the picture."""


def evidence_of(texture, ground, thing, at):
    frames = {
        step: picture(
            texture,
            ground=(ground[0] * step, ground[1] * step),
            thing=(thing[0] * step, thing[1] * step),
            at=at,
        )
        for step in (-3, 0, 3)
    }
    anchor = frames.pop(0)
    found = measure(anchor, frames, FlowEstimator())
    assert found is not None
    return found


def test_the_background_is_what_the_rim_follows_even_below_a_large_thing(texture):
    a = picture(texture, thing=(0, 0), at=LARGE)
    b = picture(texture, ground=(5, 1), thing=(-4, 0), at=LARGE)
    found = fit_background(a, b, FlowEstimator().checked(a, b))
    assert found is not None
    assert found.motion.reshape(-1, 2).mean(axis=0) == pytest.approx([5, 1], abs=0.2)
    assert found.inlier_share < 0.5


def test_stillness_wins_where_nothing_moves(texture):
    a = picture(texture)
    found = fit_background(a, a, FlowEstimator().checked(a, a))
    assert found is not None
    assert not found.motion.any()
    assert found.inlier_share == 1


def test_too_little_trusted_flow_is_no_background(texture):
    a = picture(texture)
    flow = FlowEstimator().checked(a, a)
    flow.consistent[:] = False
    assert fit_background(a, a, flow) is None


def test_motion_of_a_homography_is_where_it_moves_pixels():
    matrix = np.array([[1.1, 0, 3], [0, 1.1, -2], [0, 0, 1]])
    motion = motion_of(matrix, 20, 30)
    assert motion[0, 0] == pytest.approx([3, -2])
    assert motion[10, 20] == pytest.approx([5, -1], abs=1e-5)


def test_a_thing_that_covers_most_of_the_picture_is_no_noise(texture):
    """Its own speed was once taken for the noise of the background, and nothing was found."""
    evidence = evidence_of(texture, (0, 0), (2, 0), LARGE)
    assert evidence.noise < 0.1
    assert np.median(evidence.speed[60:110, 100:230]) == pytest.approx(2, rel=0.1)
    moving = moving_pixels(evidence, min_speed=0.1)
    assert moving[60:110, 100:230].mean() > 0.95
    assert moving[:15].mean() < 0.05


def test_velocity_has_a_direction_and_no_camera_in_it(texture):
    evidence = evidence_of(texture, (2, 0), (2, 3), LARGE)
    assert np.median(evidence.velocity[60:110, 100:230], axis=(0, 1)) == pytest.approx(
        [0, 3], abs=0.3
    )


def test_what_moves_along_the_whole_rim_raises_the_noise_but_never_hides_a_mover():
    speed = np.full((90, 160), 2.0, np.float32)
    ones = np.ones_like(speed)
    evidence = Evidence(
        speed=speed,
        velocity=np.stack([speed, 0 * speed], axis=-1),
        trust=ones,
        photometric=5 * ones,
        noise=0.3,
        grain=1.0,
        inlier_share=0.5,
        frames=2,
    )
    assert speed_floor(evidence, min_speed=0.1) == pytest.approx(1.5)
    assert speed_floor(evidence, min_speed=1.8) == pytest.approx(1.8)
    assert moving_pixels(evidence, min_speed=0.1).all()


def field_evidence(velocity):
    speed = np.linalg.norm(velocity, axis=2).astype(np.float32)
    ones = np.ones_like(speed)
    return Evidence(speed, velocity.astype(np.float32), ones, ones, 0.0, 0.0, 1.0, 1)


@pytest.mark.parametrize("sign", [1, -1], ids=["outwards", "inwards"])
def test_a_field_through_one_point_is_a_stream(sign):
    y, x = np.mgrid[0:90, 0:160].astype(float)
    away = np.stack([x - 70, y - 40], axis=-1)
    stream = find_stream(field_evidence(sign * away * 0.05), np.ones((90, 160), bool))
    assert stream.strength > 0.9
    assert stream.centre == pytest.approx((70, 40), abs=3)


def test_the_motion_of_one_thing_is_no_stream():
    velocity = np.zeros((90, 160, 2))
    velocity[...] = (3, 1)
    assert find_stream(field_evidence(velocity), np.ones((90, 160), bool)).strength == 0
    few = np.zeros((90, 160), bool)
    few[:4, :10] = True
    assert find_stream(field_evidence(velocity), few).strength == 0
