"""What a synthetic scene is made of, and its exact geometry.

Coordinates: x to the right, y down, in pixels of the frame, integers at pixel centres (the
convention of OpenCV). The background lies in a plane; at frame 0 of a shot the plane and the frame
coincide. Sprites move in that plane and the camera moves over it, so a sprite without a motion of
its own goes along with the background. Matrices are float64 [3, 3] on homogeneous (x, y, 1).
"""

from dataclasses import dataclass
from math import cos, pi, radians, sin
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Outline = Literal["ellipse", "superellipse", "blob"]


def shift(x: float, y: float) -> Matrix:
    """Return the translation by (x, y)."""
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def turn(*, degrees: float, scale: float = 1.0) -> Matrix:
    """Return a rotation about the origin (clockwise as seen, since y is down) times a scale."""
    c, s = scale * cos(radians(degrees)), scale * sin(radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Motion of the background in the picture, relative to frame 0 of the shot.

    Attributes:
        pan: Shift of the background in pixels per frame (x, y); the camera itself turns the
            other way.
        zoom: Factor per frame about the picture's centre; 1 is none, above 1 zooms in.
        roll: Rotation about the picture's centre, degrees per frame, clockwise.
    """

    pan: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    roll: float = 0.0

    def matrix(self, t: int, *, width: int, height: int) -> Matrix:
        """Return the map from the plane to frame `t` of the shot."""
        cx, cy = (width - 1) / 2, (height - 1) / 2
        about_centre = turn(degrees=self.roll * t, scale=self.zoom**t)
        return shift(cx + self.pan[0] * t, cy + self.pan[1] * t) @ about_centre @ shift(-cx, -cy)


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """A photograph cut out along a smooth outline and moved along a path.

    Attributes:
        name: Unique within the scene's shot.
        photo: Name in `photos.PHOTOS`.
        crop: x0, y0, x1, y1 in the photograph's pixels, half-open; the outline fills it.
        size: Width, height in plane pixels at frame 0.
        start: Centre in the plane at frame 0.
        velocity: Plane pixels per frame.
        sway: Amplitude (x, y) of a sine added to the path, plane pixels.
        period: Frames of one sway.
        spin: Degrees per frame, clockwise.
        growth: Factor of size per frame.
        outline: Shape of the cut.
    """

    name: str
    photo: str
    crop: tuple[int, int, int, int]
    size: tuple[int, int]
    start: tuple[float, float]
    velocity: tuple[float, float] = (0.0, 0.0)
    sway: tuple[float, float] = (0.0, 0.0)
    period: float = 50.0
    spin: float = 0.0
    growth: float = 1.0
    outline: Outline = "ellipse"

    @property
    def moves(self) -> bool:
        """Whether it moves against the background."""
        resting = self.velocity == (0.0, 0.0) == self.sway and self.spin == 0
        return not (resting and self.growth == 1)

    def centre(self, t: int) -> tuple[float, float]:
        """Return the centre in the plane at frame `t` of the shot."""
        phase = sin(2 * pi * t / self.period)
        return (
            self.start[0] + self.velocity[0] * t + self.sway[0] * phase,
            self.start[1] + self.velocity[1] * t + self.sway[1] * phase,
        )

    def matrix(self, t: int) -> Matrix:
        """Return the map from the sprite's own pixels to the plane at frame `t` of the shot."""
        x, y = self.centre(t)
        own = shift(-(self.size[0] - 1) / 2, -(self.size[1] - 1) / 2)
        return shift(x, y) @ turn(degrees=self.spin * t, scale=self.growth**t) @ own


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A run of frames without a cut.

    Attributes:
        num_frames: Length.
        background: Name in `photos.PHOTOS`; mirrored at its edges, so no camera runs out of it.
        background_scale: Size of the photograph over the smallest that covers the frame.
        camera: Its motion.
        sprites: Back to front: a later one hides an earlier one.
    """

    num_frames: int
    background: str
    background_scale: float = 1.0
    camera: Camera = Camera()
    sprites: tuple[Sprite, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A synthetic clip.

    Attributes:
        shots: In order, joined by hard cuts.
        width: Pixels.
        height: Pixels.
        fps: Frames per second.
        noise: Standard deviation of the sensor noise, 8-bit levels.
        gain: Brightness factor applied before the noise; below 1 darkens.
        blur: Standard deviation of a Gaussian blur of the whole picture, pixels; 0 is none.
        text: Burned-in subtitle, lines separated by newlines; empty for none.
        seed: Seed of the noise.
    """

    shots: tuple[Shot, ...]
    width: int = 854
    height: int = 480
    fps: int = 25
    noise: float = 1.0
    gain: float = 1.0
    blur: float = 0.0
    text: str = ""
    seed: int = 0

    @property
    def num_frames(self) -> int:
        """Frames of all shots."""
        return sum(shot.num_frames for shot in self.shots)

    @property
    def cuts(self) -> tuple[int, ...]:
        """First frame of every shot but the first."""
        starts = np.cumsum([shot.num_frames for shot in self.shots])
        return tuple(int(start) for start in starts[:-1])

    def locate(self, frame: int) -> tuple[int, int]:
        """Return (number of the shot, frame within it) of a frame.

        Raises:
            IndexError: The frame is not in the scene.
        """
        if not 0 <= frame < self.num_frames:
            raise IndexError(f"frame {frame} of a scene of {self.num_frames} frames")
        number = int(np.searchsorted(self.cuts, frame, side="right"))
        return number, frame - (0, *self.cuts)[number]

    def shot_at(self, frame: int) -> Shot:
        """Return the shot a frame belongs to."""
        return self.shots[self.locate(frame)[0]]


def sprite_named(scene: Scene, name: str, *, frame: int) -> Sprite:
    """Return a sprite of the shot that `frame` belongs to.

    Raises:
        KeyError: That shot has no such sprite.
    """
    for sprite in scene.shot_at(frame).sprites:
        if sprite.name == name:
            return sprite
    raise KeyError(f"no sprite '{name}' at frame {frame}")


def camera_matrix(scene: Scene, frame: int) -> Matrix:
    """Return the map from the shot's plane to the picture at `frame`."""
    t = scene.locate(frame)[1]
    return scene.shot_at(frame).camera.matrix(t, width=scene.width, height=scene.height)


def sprite_matrix(scene: Scene, sprite: Sprite, frame: int) -> Matrix:
    """Return the map from the sprite's own pixels to the picture at `frame`."""
    return camera_matrix(scene, frame) @ sprite.matrix(scene.locate(frame)[1])


def _same_shot(scene: Scene, a: int, b: int) -> None:
    if scene.locate(a)[0] != scene.locate(b)[0]:
        raise ValueError(f"frames {a} and {b} lie in different shots")


def background_motion(scene: Scene, a: int, b: int) -> Matrix:
    """Return the homography that moves background points from frame `a` to frame `b`.

    Raises:
        ValueError: The frames lie in different shots.
    """
    _same_shot(scene, a, b)
    return camera_matrix(scene, b) @ np.linalg.inv(camera_matrix(scene, a))


def move(matrix: Matrix, points: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Apply a matrix to points [N, 2] (x, y) and return points [N, 2]."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return moved[:, :2] / moved[:, 2:]


def carry(
    scene: Scene, sprite: Sprite, points: npt.NDArray[Any], a: int, b: int
) -> npt.NDArray[np.float64]:
    """Return where points on a sprite at frame `a` are at frame `b`, exactly.

    Args:
        scene: The scene.
        sprite: The sprite the points are fixed to.
        points: float [N, 2], x, y in the picture at frame `a`.
        a: Frame of the points.
        b: Frame wanted, earlier or later.

    Returns:
        float64 [N, 2], x, y in the picture at frame `b`, also outside of it.

    Raises:
        ValueError: The frames lie in different shots.
    """
    _same_shot(scene, a, b)
    step = sprite_matrix(scene, sprite, b) @ np.linalg.inv(sprite_matrix(scene, sprite, a))
    return move(step, points)
