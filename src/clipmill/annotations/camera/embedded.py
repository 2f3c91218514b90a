"""Camera motion on a CPU, from matched background points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.camera.arrays import Floats, Gray, Matrix
from clipmill.annotations.camera.background import Background, cell_votes, fit_background
from clipmill.annotations.camera.klt import Matches, coarse_shift, find_corners, match
from clipmill.annotations.camera.parallax import Travel, find_travel, lasting
from clipmill.annotations.camera.poses import PairMotion, build_row
from clipmill.annotations.camera.rotation import calibration, fit_rotation_zoom
from clipmill.annotations.camera.schema import CameraRow
from clipmill.errors import ClipError
from clipmill.video import FrameSize, fit_within

_FEW = 0.35  # share of corners below which matching is tried again from a coarse shift
_MAX_FOCAL_CHANGE = 8.0


class BackgroundCameraConfig(BackendConfig):
    """Settings of `BackgroundCamera`.

    Attributes:
        step: Frames from one sampled frame to the next.
        max_seconds: Look at this much of the clip only; the whole clip when None.
        long_side: Size frames are looked at, pixels.
        focal_ratio: Assumed focal length over the longer side; 1.2 is a view of 45 degrees.
    """

    step: int = Field(3, ge=1)
    max_seconds: float | None = Field(None, gt=0)
    long_side: int = Field(512, ge=128)
    focal_ratio: float = Field(1.2, gt=0.1, lt=20)


@dataclass(frozen=True)
class MatchedClip:
    """What is left of a clip's pixels: matched points.

    Attributes:
        frames: T sampled frames, from the clip's start.
        matches: T - 1 sets of matches, working pixels.
        size: Width and height matches were found at.
        source_size: Width and height of the video.
        name: The file, for messages.
        check: Deadline check.
    """

    frames: tuple[int, ...]
    matches: tuple[Matches, ...]
    size: tuple[int, int]
    source_size: tuple[int, int]
    name: str
    check: Callable[[], None]


class BackgroundCamera(Backend):
    """Rotation, zoom and travel of the camera, and the background's homographies.

    A still or turning camera is told by a homography, split into rotation and focal ratio; a
    travelling one by an essential matrix, where the homography fails all over the picture. The
    focal length is assumed, so angles are right up to that assumption (a field of view of 65
    instead of 45 degrees makes them 1.5 times too small).

    A pair of frames without enough texture is left out of the means and lowers `inlier_share`;
    a clip without any measurable pair is an error, not a still camera.
    """

    annotation = "camera"
    name = "embedded"
    version = 2
    Config = BackgroundCameraConfig
    Row = CameraRow

    config: BackgroundCameraConfig

    def load(self, item: ClipInput) -> MatchedClip:
        """Match points while frames stream by; no more than two frames are ever held."""
        probe = item.probe
        if probe is None:
            raise ClipError(f"{item.video.uri}: the camera step needs the probe's facts")
        config = self.config
        width, height = fit_within(probe.width, probe.height, long_side=config.long_side)
        length = item.clip.num_frames
        if config.max_seconds is not None and probe.fps > 0:
            length = max(1, min(length, int(config.max_seconds * probe.fps)))
        step = min(config.step, max(1, length - 1))
        frames: list[int] = []
        matches: list[Matches] = []
        before: Gray | None = None
        with item.open() as reader:
            for frame in reader.stream(
                item.clip.start,
                item.clip.start + length,
                sizes={"work": FrameSize(width, height, "gray")},
                step=step,
            ):
                gray = frame.images["work"]
                if before is not None:
                    matches.append(match_frames(before, gray, matches[-1] if matches else None))
                before = gray
                frames.append(frame.index - item.clip.start)
        if not frames:
            raise ClipError(f"{item.video.uri}: no frame of {item.clip.clip_id} could be decoded")
        return MatchedClip(
            frames=tuple(frames),
            matches=tuple(matches),
            size=(width, height),
            source_size=(probe.width, probe.height),
            name=item.video.relative_path or item.video.uri,
            check=item.check,
        )

    def annotate(self, batch: Sequence[MatchedClip]) -> Sequence[CameraRow]:
        """Fit the camera's motion to the matches of each clip."""
        return [self._annotate_one(clip) for clip in batch]

    def _annotate_one(self, clip: MatchedClip) -> CameraRow:
        width, height = clip.size
        focal = self.config.focal_ratio * max(width, height)
        backgrounds = _fit_backgrounds(clip)
        if clip.matches and not any(backgrounds):
            raise ClipError(
                f"{clip.name}: not enough background texture to measure the camera "
                f"(frames {clip.frames[0]} to {clip.frames[-1]} of the clip are too plain, too "
                "dark or too different); drop the clip, or leave the camera step out for it"
            )
        travels = _find_travels(clip, backgrounds, focal=focal)
        motions, now = [], focal
        for points, background, travel in zip(clip.matches, backgrounds, travels, strict=True):
            motion = _motion_of(clip, points, background, travel, focal=now)
            limits = focal / _MAX_FOCAL_CHANGE, focal * _MAX_FOCAL_CHANGE
            now = float(np.clip(now * motion.zoom, *limits))
            motions.append(motion)
        source_width, source_height = clip.source_size
        return build_row(
            clip.frames,
            motions,
            focal=self.config.focal_ratio * max(clip.source_size),
            width=source_width,
            height=source_height,
        )


def match_frames(first: Gray, second: Gray, previous: Matches | None) -> Matches:
    """Match two frames, starting from the shift of the pair before.

    Args:
        first: uint8 [H, W].
        second: uint8 [H, W].
        previous: Matches of the pair before, None for the first.
    """
    corners = find_corners(first)
    shift = np.zeros(2, np.float32)
    if previous is not None and len(previous):
        shift = np.median(previous.second - previous.first, axis=0).astype(np.float32)
    found = match(first, second, corners, shift=np.broadcast_to(shift, corners.shape))
    if len(found) >= _FEW * len(corners):
        return found
    coarse = np.asarray(coarse_shift(first, second), np.float32)
    other = match(first, second, corners, shift=np.broadcast_to(coarse, corners.shape))
    return other if len(other) > len(found) else found


def _fit_backgrounds(clip: MatchedClip) -> list[Background | None]:
    width, height = clip.size
    fitted: list[Background | None] = []
    previous: Matrix | None = None
    for points in clip.matches:
        clip.check()
        background = fit_background(points, width=width, height=height, previous=previous)
        previous = None if background is None else background.matrix
        fitted.append(background)
    return fitted


def _find_travels(
    clip: MatchedClip, backgrounds: Sequence[Background | None], *, focal: float
) -> list[Travel | None]:
    width, height = clip.size
    intrinsics = calibration(focal, width=width, height=height)
    travels: list[Travel | None] = []
    for points, background in zip(clip.matches, backgrounds, strict=True):
        clip.check()
        if background is None:
            travels.append(None)
            continue
        votes = cell_votes(points, width=width, height=height)
        travels.append(
            find_travel(
                points, background, votes, intrinsics=intrinsics, width=width, height=height
            )
        )
    return lasting(travels)


def _motion_of(
    clip: MatchedClip,
    points: Matches,
    background: Background | None,
    travel: Travel | None,
    *,
    focal: float,
) -> PairMotion:
    if background is None:
        return PairMotion.unknown()
    width, height = clip.size
    to_source = scale_matrix(clip.size, clip.source_size)
    homography = to_source @ background.matrix @ np.linalg.inv(to_source)
    translation: Floats | None
    if travel is not None:
        rotation, translation, zoom = travel.rotation, travel.translation, 1.0
    else:
        translation = np.zeros(3) if background.still else None
        inliers = background.inliers
        rotation, zoom = (
            (np.eye(3), 1.0)
            if background.still or inliers.sum() < 3
            else fit_rotation_zoom(
                points.first[inliers],
                points.second[inliers],
                focal=focal,
                width=width,
                height=height,
            )
        )
    return PairMotion(
        homography=homography / homography[2, 2],
        rotation=rotation,
        translation=translation,
        zoom=zoom,
        share=travel.share if travel is not None else background.share,
        residual=background.residual * float(to_source[0, 0]),
        measured=True,
    )


def scale_matrix(size: tuple[int, int], source_size: tuple[int, int]) -> Matrix:
    """Return the map from working to source pixels, whole numbers being pixel centres."""
    x, y = source_size[0] / size[0], source_size[1] / size[1]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1.0]])
