"""The camera backend over synthetic clips with known motion, and over clips that give nothing."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from clip_inputs import probed

from clipmill.annotations.base import ClipInput
from clipmill.annotations.camera.embedded import BackgroundCamera
from clipmill.annotations.camera.schema import CameraRow
from clipmill.demo.scene import Camera, Scene, Shot, Sprite, background_motion, render, write_video
from clipmill.errors import ClipError
from clipmill.store.codecs import decode_array

WIDTH, HEIGHT = 320, 180


def big_sprite(**changes: object) -> Sprite:
    """A mover whose box is 30 % of the frame, crossing it."""
    settings: dict = {
        "name": "mover",
        "photo": "astronaut",
        "crop": (100, 0, 400, 300),
        "size": (130, 133),
        "start": (90, 90),
        "velocity": (3.0, 0.3),
        "outline": "superellipse",
    }
    return Sprite(**(settings | changes))


STILL = Camera()


def scene(camera: Camera = STILL, *sprites: Sprite, num_frames: int = 40, **settings) -> Scene:
    background = settings.pop("background", "china")
    shot = Shot(
        num_frames=num_frames,
        background=background,
        background_scale=1.5,
        camera=camera,
        sprites=sprites,
    )
    return Scene(shots=(shot,), width=WIDTH, height=HEIGHT, **settings)


def camera_row(item: ClipInput, **config: object) -> CameraRow:
    backend = BackgroundCamera(BackgroundCamera.Config(**config))
    return backend.annotate([backend.load(item)])[0]


@pytest.fixture
def measure(tmp_path: Path) -> Callable[..., CameraRow]:
    def run(made: Scene, *, crf: int = 26, **config: object) -> CameraRow:
        path = tmp_path / "scene.mp4"
        write_video(path, render(made), made.fps, crf=crf)
        return camera_row(probed(path), **config)

    return run


def numbers(row: CameraRow) -> list[float]:
    arrays = (row.rotations, row.focals, row.homographies)
    flat = [value for blob in arrays for value in decode_array(blob).ravel()]
    means = [row.rotation, row.zoom, row.pan_speed, row.inlier_share, row.residual]
    return [*flat, *means]


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(scene(), id="nothing moves"),
        pytest.param(scene(Camera(), big_sprite(), noise=4.0), id="large mover, noise"),
        pytest.param(
            scene(Camera(), big_sprite(), background="coffee", blur=2.0),
            id="large mover before a plain background",
        ),
        pytest.param(scene(gain=0.1, noise=2.0), id="dark"),
    ],
)
def test_still_camera_is_still(measure, made: Scene) -> None:
    row = measure(made, crf=30)
    assert row.rotation < 0.05
    assert not row.translation  # 0 where not a pixel moves, None where noise hides it
    assert row.zoom < 0.0005
    assert row.pan_speed < 0.1
    assert np.isfinite(numbers(row)).all()


@pytest.mark.parametrize("sprites", [(), (big_sprite(),)], ids=["alone", "with a large mover"])
@pytest.mark.parametrize("pan", [(2.0, 0.0), (-4.0, 1.0), (9.0, 0.0)])
def test_pan_is_measured_within_a_tenth(measure, pan: tuple[float, float], sprites) -> None:
    row = measure(scene(Camera(pan=pan), *sprites))
    speed = float(np.hypot(*pan))
    assert row.pan_speed == pytest.approx(speed, rel=0.1)
    focal = float(decode_array(row.focals)[0, 0])
    assert row.rotation == pytest.approx(np.degrees(np.arctan(speed / focal)), rel=0.15)
    # The picture goes left and up when the camera turns right and down.
    assert row.pan == pytest.approx(-np.degrees(np.arctan(pan[0] / focal)), rel=0.15)
    assert row.tilt == pytest.approx(np.degrees(np.arctan(pan[1] / focal)), rel=0.15, abs=0.02)
    assert row.translation is None
    assert row.zoom < 0.005


@pytest.mark.parametrize("factor", [1.006, 1 / 1.006])
def test_zoom_is_zoom_and_not_travel(measure, factor: float) -> None:
    row = measure(scene(Camera(zoom=factor), big_sprite()))
    assert row.zoom == pytest.approx(abs(np.log(factor)), rel=0.1)
    assert row.zoom_in == pytest.approx(np.log(factor), rel=0.1)
    assert row.translation is None
    assert row.rotation < 0.05
    focals = decode_array(row.focals)
    last = decode_array(row.frames)[-1]
    assert focals[-1, 0] / focals[0, 0] == pytest.approx(factor**last, rel=0.03)


def test_roll_is_rotation_about_the_view(measure) -> None:
    row = measure(scene(Camera(roll=0.5), background="gravel"))
    assert row.rotation == pytest.approx(0.5, rel=0.05)
    last = decode_array(row.rotations)[-1]
    turned = np.degrees(np.arctan2(last[1, 0], last[0, 0]))
    assert turned == pytest.approx(0.5 * decode_array(row.frames)[-1], rel=0.05)


def test_homographies_carry_background_points(measure) -> None:
    made = scene(Camera(pan=(2.5, -1.0), zoom=1.003), big_sprite())
    row = measure(made)
    frames = decode_array(row.frames)
    corners = np.array([[20, 20], [300, 20], [300, 160], [20, 160]], np.float64)
    worst = []
    for first, second, found in zip(
        frames, frames[1:], decode_array(row.homographies), strict=False
    ):
        true = background_motion(made, int(first), int(second))
        expected, measured = (
            cv2.perspectiveTransform(corners[None], matrix)[0] for matrix in (true, found)
        )
        worst.append(np.abs(measured - expected).max())
        assert found[2, 2] == pytest.approx(1)
    assert np.median(worst) < 0.5
    assert max(worst) < 2


def _travelling_frames(num_frames: int, step: tuple[float, float, float]) -> list[np.ndarray]:
    """Four photographs on planes at depths 4, 6, 9 and 14, tiled over the view, camera moving."""
    from clipmill.demo.photos import load_photo

    focal = 1.2 * WIDTH
    centre = np.array([WIDTH / 2, HEIGHT / 2])
    photos = [load_photo(name) for name in ("brick", "gravel", "grass", "china")]
    frames = []
    for t in range(num_frames):
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        camera = np.array(step) * t
        cells = [(r, c, (c * 5 + r * 3) % 4) for r in range(3) for c in range(6)]
        for row, column, number in sorted(cells, key=lambda cell: -cell[2]):
            depth = (4.0, 6.0, 9.0, 14.0)[number]
            cell = np.array([column - 3, row - 1.5]) * 64
            square = np.array([[0, 0], [64, 0], [64, 64], [0, 64]], float) + cell
            world = square / focal * depth
            seen = focal * (world - camera[:2]) / (depth - camera[2]) + centre
            source = np.float32([[0, 0], [160, 0], [160, 160], [0, 160]]) + 40 * (row + column)
            warp = cv2.getPerspectiveTransform(source, seen.astype(np.float32))
            tile = cv2.warpPerspective(photos[number], warp, (WIDTH, HEIGHT))
            mask = np.zeros((HEIGHT, WIDTH), np.uint8)
            cv2.fillConvexPoly(mask, np.rint(seen).astype(np.int32), 255)
            picture[mask > 0] = tile[mask > 0]
        frames.append(picture)
    return frames


def test_travel_through_depth_is_translation(tmp_path: Path) -> None:
    path = tmp_path / "travel.mp4"
    write_video(path, _travelling_frames(22, (0.03, 0.0, 0.0)), 25)
    row = camera_row(probed(path))
    poses = decode_array(row.translations)
    # World-to-camera: a camera that goes right moves the scene left.
    assert row.translation > 0.001
    assert poses[-1, 0] < 0
    assert abs(poses[-1, 0]) > 2 * np.abs(poses[-1, 1:]).max()
    assert row.rotation < 0.1
    # 0.03 per frame, over a median depth of about 6.
    assert row.translation == pytest.approx(0.03 / 6, rel=0.4)
    assert row.truck == pytest.approx(row.translation, rel=0.1)
    assert row.travel_share == 1


def test_a_blank_clip_is_an_error_with_a_reason(measure) -> None:
    with pytest.raises(ClipError, match="not enough background texture") as caught:
        measure(scene(gain=0.0, noise=0.0, num_frames=12))
    assert caught.value.kind == "model"
    assert "scene.mp4" in str(caught.value)


def test_one_frame_gives_the_identity(tmp_path: Path) -> None:
    path = tmp_path / "scene.mp4"
    write_video(path, render(scene(num_frames=8)), 25)
    row = camera_row(probed(path, start=3, end=4))
    assert decode_array(row.frames).tolist() == [0]
    assert decode_array(row.homographies).shape == (0, 3, 3)
    assert np.array_equal(decode_array(row.rotations), np.eye(3)[None])
    assert (row.rotation, row.translation, row.zoom, row.pan_speed) == (0, None, 0, 0)


def test_two_frames_are_measured_although_the_step_is_three(tmp_path: Path) -> None:
    path = tmp_path / "scene.mp4"
    write_video(path, render(scene(Camera(pan=(3.0, 0.0)), num_frames=8)), 25)
    row = camera_row(probed(path, start=2, end=4))
    assert decode_array(row.frames).tolist() == [0, 1]
    assert row.pan_speed == pytest.approx(3, rel=0.1)


def test_sampled_frames_count_from_the_start_of_the_clip(tmp_path: Path) -> None:
    path = tmp_path / "scene.mp4"
    write_video(path, render(scene(num_frames=40)), 25)
    item = probed(path, start=10, end=40)
    assert decode_array(camera_row(item).frames).tolist() == list(range(0, 30, 3))
    short = camera_row(item, max_seconds=0.4)
    assert decode_array(short.frames).tolist() == [0, 3, 6, 9]


def test_rows_do_not_depend_on_threads_or_on_the_run(tmp_path: Path) -> None:
    path = tmp_path / "scene.mp4"
    write_video(path, render(scene(Camera(pan=(2.0, 0.5)), big_sprite(), noise=3.0)), 25)
    before = cv2.getNumThreads()
    rows = []
    try:
        for threads, seed in ((1, 5), (4, 77)):
            cv2.setNumThreads(threads)
            cv2.setRNGSeed(seed)
            rows.append(camera_row(probed(path)))
    finally:
        cv2.setNumThreads(before)
    assert rows[0] == rows[1]


def test_real_still_and_moving_cameras(shared_videos: Path) -> None:
    still = camera_row(probed(shared_videos / "sam2__01_dog.mp4", end=100))
    driving = camera_row(probed(shared_videos / "carnd-lanelines-p1__solidWhiteRight.mp4", end=60))
    assert still.rotation < 0.05
    assert not still.translation
    assert driving.translation > 0.002
    assert decode_array(driving.translations)[-1, 2] < 0
