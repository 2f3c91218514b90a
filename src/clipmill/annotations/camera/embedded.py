"""Camera motion on a CPU, from matched background points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.camera.homography.background import Background, background_of
from clipmill.annotations.camera.homography.rotation_zoom import Turn, fit_turn
from clipmill.annotations.camera.klt import Follower, Matches, Trails
from clipmill.annotations.camera.poses import PairMotion, build_row
from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.camera.structure.path import TravelPath, travel_path
from clipmill.annotations.camera.structure.system import FocalPrior
from clipmill.errors import ClipError
from clipmill.video import FrameSize, fit_within
from clipmill.vision.arrays import Matrix

_MAX_FOCAL_CHANGE = 8.0


class BackgroundCameraConfig(BackendConfig):
    """Settings of `BackgroundCamera`.

    Attributes:
        step: Frames from one sampled frame to the next.
        max_seconds: Look at this much of the clip only; the whole clip when None.
        long_side: Size frames are looked at, pixels.
        focal_ratio: Expected focal length over the longer side; 0.9 is a view of 58 degrees, in
            the middle of telephones (65 to 70 degrees), webcams and films (40 to 60).
        focal_spread: How far cameras are from it: standard deviation of the log of the ratio. 0
            where `focal_ratio` is that of the camera; then it is not measured.
    """

    step: int = Field(3, ge=1)
    max_seconds: float | None = Field(None, gt=0)
    long_side: int = Field(640, ge=128)
    focal_ratio: float = Field(0.9, gt=0.1, lt=20)
    focal_spread: float = Field(0.3, ge=0, lt=2)


@dataclass(frozen=True)
class FollowedClip:
    """What is left of a clip's pixels: points on their way.

    Attributes:
        frames: T sampled frames, from the clip's start.
        trails: Points in these frames, working pixels.
        size: Width and height points were followed at.
        source_size: Width and height of the video.
        name: The file, for messages.
        check: Deadline check.
    """

    frames: tuple[int, ...]
    trails: Trails
    size: tuple[int, int]
    source_size: tuple[int, int]
    name: str
    check: Callable[[], None]


class BackgroundCamera(Backend):
    """Rotation, zoom and travel of the camera, and the background's homographies.

    Points are followed through windows of three seconds. Where a camera that turns and zooms does
    not explain their ways and one that travels does, poses and depths come from bundle adjustment
    over the window (`structure`). Elsewhere a still or turning camera is told from pairs of frames
    (`homography`): travel is then not measured, but where nothing moves at all it is 0.

    The focal length is measured where travel or wide turns show it, else it is the expected one.
    Then angles are right up to that (a field of view of 65 instead of 45 degrees makes them 1.5
    times too small).

    A pair of frames without enough texture is left out of the means and lowers `inlier_share`;
    a clip without any measurable pair is an error, not a still camera.
    """

    annotation = "camera"
    name = "embedded"
    version = 4
    Config = BackgroundCameraConfig
    Row = CameraRow

    config: BackgroundCameraConfig

    def load(self, item: ClipInput) -> FollowedClip:
        """Follow points while frames stream by; no more than two frames are ever held."""
        probe = item.probe
        if probe is None:
            raise ClipError(f"{item.video.uri}: the camera step needs the probe's facts")
        config = self.config
        width, height = fit_within(probe.width, probe.height, long_side=config.long_side)
        length = item.clip.num_frames
        if config.max_seconds is not None and probe.fps > 0:
            length = max(1, min(length, int(config.max_seconds * probe.fps)))
        frames: list[int] = []
        follower = Follower()
        with item.open() as reader:
            for frame in reader.stream(
                item.clip.start,
                item.clip.start + length,
                sizes={"work": FrameSize(width, height, "gray")},
                step=min(config.step, max(1, length - 1)),
            ):
                follower.step(frame.images["work"])
                frames.append(frame.index - item.clip.start)
        if not frames:
            raise ClipError(f"{item.video.uri}: no frame of {item.clip.clip_id} could be decoded")
        return FollowedClip(
            frames=tuple(frames),
            trails=follower.trails(),
            size=(width, height),
            source_size=(probe.width, probe.height),
            name=item.video.relative_path or item.video.uri,
            check=item.check,
        )

    def annotate(self, batch: Sequence[FollowedClip]) -> Sequence[CameraRow]:
        """Fit the camera's motion to the points of each clip."""
        return [self._annotate_one(clip) for clip in batch]

    def _annotate_one(self, clip: FollowedClip) -> CameraRow:
        pairs = [clip.trails.matches(number) for number in range(len(clip.trails) - 1)]
        backgrounds = _fit_backgrounds(clip, pairs)
        if pairs and not any(backgrounds):
            raise ClipError(
                f"{clip.name}: not enough background texture to measure the camera "
                f"(frames {clip.frames[0]} to {clip.frames[-1]} of the clip are too plain, too "
                "dark or too different); drop the clip, or leave the camera step out for it"
            )
        expected = self.config.focal_ratio * max(clip.size)
        turns = _turns(clip, pairs, backgrounds, focal=expected)
        path = travel_path(
            clip.trails,
            turns,
            size=clip.size,
            prior=FocalPrior(expected, self.config.focal_spread),
            check=clip.check,
        )
        focal = path.focal or expected
        if path.focal is not None:
            turns = _turns(clip, pairs, backgrounds, focal=focal)
        motions = [
            _motion_of(clip, background, turn, path, number)
            for number, (background, turn) in enumerate(zip(backgrounds, turns, strict=True))
        ]
        source_width, source_height = clip.source_size
        row = build_row(
            clip.frames,
            motions,
            focal=focal * source_width / clip.size[0],
            width=source_width,
            height=source_height,
        )
        return replace(row, focal_known=path.focal is not None)


def _fit_backgrounds(clip: FollowedClip, pairs: Sequence[Matches]) -> list[Background | None]:
    width, height = clip.size
    fitted: list[Background | None] = []
    previous: Matrix | None = None
    for points in pairs:
        clip.check()
        background = background_of(points, width=width, height=height, previous=previous)
        previous = None if background is None else background.matrix
        fitted.append(background)
    return fitted


def _turns(
    clip: FollowedClip,
    pairs: Sequence[Matches],
    backgrounds: Sequence[Background | None],
    *,
    focal: float,
) -> list[Turn]:
    """Return the motions as if the camera stayed in place, one per pair of sampled frames."""
    width, height = clip.size
    limits = focal / _MAX_FOCAL_CHANGE, focal * _MAX_FOCAL_CHANGE
    turns: list[Turn] = []
    for points, background in zip(pairs, backgrounds, strict=True):
        turn = Turn.none()
        if background is not None and not background.still and background.inliers.sum() >= 3:
            inliers = background.inliers
            turn = fit_turn(
                points.first[inliers],
                points.second[inliers],
                focal=focal,
                width=width,
                height=height,
            )
        turns.append(turn)
        focal = float(np.clip(focal * turn.zoom, *limits))
    return turns


def _motion_of(
    clip: FollowedClip, background: Background | None, turn: Turn, path: TravelPath, number: int
) -> PairMotion:
    step = path.steps[number]
    if background is None and step is None:
        return PairMotion.unknown()
    to_source = scale_matrix(clip.size, clip.source_size)
    matrix = np.eye(3) if background is None else background.matrix
    homography = to_source @ matrix @ np.linalg.inv(to_source)
    still = path.stills[number] or (background is not None and background.still)
    return PairMotion(
        homography=homography / homography[2, 2],
        rotation=turn.rotation if step is None else step.rotation,
        translation=step.translation if step else np.zeros(3) if still else None,
        zoom=turn.zoom if step is None else 1.0,
        share=step.share if step else background.share if background else 0.0,
        residual=background.residual * float(to_source[0, 0]) if background else 0.0,
        measured=True,
    )


def scale_matrix(size: tuple[int, int], source_size: tuple[int, int]) -> Matrix:
    """Return the map from working to source pixels, whole numbers being pixel centres."""
    x, y = source_size[0] / size[0], source_size[1] / size[1]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1.0]])
