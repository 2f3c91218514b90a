"""Samples and cameras with known motion, as captions read them: bent, noisy, with lost points."""

from collections.abc import Sequence

import cv2
import numpy as np

from clipmill.annotations.camera.poses import PairMotion, build_row
from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.inout.schema import InOutRow, ObjectInOut
from clipmill.clips import anchor_id_for, object_id_for
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import encode_array, encode_bits, encode_mask, encode_tracks

WIDTH, HEIGHT, FPS, LENGTH = 1280, 720, 24.0, 96
FOCAL = 1.2 * WIDTH
CLIP = f"{'ab' * 8}-000000-{LENGTH:06d}"
STEP = 3


def path(*corners: tuple[float, float]) -> np.ndarray:
    """Return a path through places (shares of width and height): float64 [LENGTH, 2], pixels."""
    at = np.linspace(0, len(corners) - 1, LENGTH)
    places = np.array(corners, float) * (WIDTH, HEIGHT)
    known = np.arange(len(corners))
    return np.stack([np.interp(at, known, places[:, axis]) for axis in (0, 1)], axis=1)


def thing(
    centre: np.ndarray,
    *,
    number: int = 0,
    radius: float = 90.0,
    growth: float = 1.0,
    stirs: float = 0.0,
    seen: slice = slice(None),
    exit_frame: int | None = None,
    class_name: str = "object",
    anchor: int = 0,
) -> SampleObject:
    """Return an object whose points follow a path, one in eight of them lost, with 0.4 px noise.

    Args:
        centre: From `path`.
        number: Of the object.
        radius: Pixels, at the anchor.
        growth: Size at the end over that at the beginning.
        stirs: Pixels by which points swing about their places, once a second.
        seen: Frames in which points are visible.
        exit_frame: As in the sample.
        class_name: As in the sample.
        anchor: Clip index of the first frame of `centre` that is taken.
    """
    rng = np.random.default_rng(number)
    centre = centre[anchor:]
    count = 16
    angles, away = rng.uniform(0, 2 * np.pi, count), radius * np.sqrt(rng.uniform(0, 1, count))
    rest = np.stack([np.cos(angles), np.sin(angles)], axis=1) * away[:, None]
    scale = np.geomspace(1.0, growth, len(centre))[:, None, None]
    points = centre[:, None] + scale * rest + rng.normal(0, 0.4, (len(centre), count, 2))
    phase = rng.uniform(0, 2 * np.pi, count)
    swing = np.sin(2 * np.pi * np.arange(len(centre))[:, None] / FPS + phase)
    points[..., 0] += stirs * swing
    # Two points go astray as trackers' points do, unseen from then on.
    visible = np.zeros(points.shape[:2], bool)
    visible[seen] = True
    for k, when in ((3, 20), (9, 40)):
        points[when:, k] = points[when, k]
        visible[when:, k] = False
    x, y = centre[0]
    return SampleObject(
        object_id=object_id_for(CLIP, anchor, number),
        class_name=class_name,
        area=float(np.pi * radius**2 / (WIDTH * HEIGHT)),
        box=(x - radius, y - radius, x + radius, y + radius),
        mask=b"",
        points=encode_tracks(points.astype(np.float32)),
        visibility=encode_bits(visible),
        motion_strength=1.0,
        motion_compensated=1.0,
        stage2=False,
        refusal="",
        enter_frame=None,
        exit_frame=exit_frame,
        reference=None,
        others=(),
        regions=(),
    )


def masks_of(
    entry: SampleObject, centre: np.ndarray, *, radius: float = 90.0, growth: float = 1.0
) -> ObjectInOut:
    """Return the masks of an object over the clip, a quarter of the frame's size, cut by it."""
    masks = []
    columns, rows = np.meshgrid(np.arange(WIDTH // 4), np.arange(HEIGHT // 4))
    for (x, y), scale in zip(centre / 4, np.geomspace(1.0, growth, len(centre)), strict=True):
        inside = (columns - x) ** 2 + (rows - y) ** 2 <= (scale * radius / 4) ** 2
        masks.append(encode_mask(inside))
    return ObjectInOut(
        object_id=entry.object_id,
        anchor=0,
        first_frame=0,
        masks=tuple(masks),
        boxes=encode_array(np.zeros((LENGTH, 4), np.int32)),
        mask_confidence=1.0,
        enter_frame=None,
        exit_frame=entry.exit_frame,
        stretches=encode_array(np.array([[0, LENGTH]], np.int32)),
        point_valid=encode_bits(np.ones(16, bool)),
        invalid_share=0.0,
        largest_share=0.1,
        refusal="",
        reference=None,
        others=(),
        regions=(),
    )


def carried(*entries: ObjectInOut) -> InOutRow:
    """Return masks over time of a clip."""
    return InOutRow(objects=entries, num_accepted=len(entries))


def sample_of(*objects: SampleObject, anchor: int = 0, num_frames: int | None = None) -> SampleRow:
    """Return a sample of these objects."""
    return SampleRow(
        sample_id=anchor_id_for(CLIP, anchor),
        clip_id=CLIP,
        video_id=CLIP[:16],
        source="",
        uri="",
        relative_path="",
        start=0,
        end=LENGTH,
        anchor=anchor,
        num_frames=num_frames or LENGTH - anchor,
        width=WIDTH,
        height=HEIGHT,
        fps=FPS,
        caption="",
        caption_origin="",
        objects=objects,
        num_objects=len(objects),
        stage1=True,
        stage2=False,
        stage2_reason="",
    )


def camera_of(
    *,
    pan: Sequence[float] = (0.0,),
    tilt: Sequence[float] = (0.0,),
    roll: float = 0.0,
    zoom: float = 1.0,
    step: tuple[float, float, float] | None = None,
    share: float = 0.95,
    residual: float = 0.2,
    measured: float = 1.0,
) -> CameraRow:
    """Return a camera row of the clip, sampled every third frame.

    Args:
        pan: Degrees a sampled step to the right; several values share the clip among them.
        tilt: The same, upwards.
        roll: Degrees a sampled step, clockwise.
        zoom: Focal ratio a sampled step.
        step: Way of the camera a sampled step (right, down, forward); None where not measured.
        share: Of the background that follows.
        residual: Of the background, source pixels.
        measured: Share of the steps that could be matched, from the first on.
    """
    frames = range(0, LENGTH, STEP)
    count = len(frames) - 1
    motions, focal = [], FOCAL
    for k in range(count):
        if k >= measured * count:
            motions.append(PairMotion.unknown())
            continue
        angles = [tilt[k * len(tilt) // count], pan[k * len(pan) // count], roll]
        rotation = cv2.Rodrigues(-np.radians(angles))[0]
        still = not any(angles) and zoom == 1.0
        before, after = (_calibration(f) for f in (focal, focal * zoom))
        homography = after @ rotation @ np.linalg.inv(before)
        way = (0.0, 0.0, 0.0) if still and step is None else step
        motions.append(
            PairMotion(
                homography=homography / homography[2, 2],
                rotation=rotation,
                translation=None if way is None else -rotation @ np.array(way),
                zoom=zoom,
                share=share,
                residual=residual,
                measured=True,
            )
        )
        focal *= zoom
    return build_row(frames, motions, focal=FOCAL, width=WIDTH, height=HEIGHT)


def _calibration(focal: float) -> np.ndarray:
    return np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1.0]])
