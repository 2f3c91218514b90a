"""Points in space as a camera on its way sees them: trails without pictures, and the truth."""

from dataclasses import dataclass

import numpy as np

from clipmill.annotations.camera.klt import Trails
from clipmill.annotations.camera.rotation import rotation_matrices

WIDTH, HEIGHT = 640, 360
SIZE = (WIDTH, HEIGHT)


@dataclass(frozen=True)
class Filmed:
    """What a camera saw.

    Attributes:
        trails: Places of N points in T frames.
        rotations: float64 [T, 3, 3], world-to-camera.
        centres: float64 [T, 3].
        focal: Pixels.
    """

    trails: Trails
    rotations: np.ndarray
    centres: np.ndarray
    focal: float

    @property
    def steps(self) -> np.ndarray:
        """How the centre moves from frame to frame, in the axes of the first of the two."""
        return np.einsum("tij,tj->ti", self.rotations[:-1], np.diff(self.centres, axis=0))

    @property
    def turns(self) -> np.ndarray:
        """Rotations from frame to frame, [T - 1, 3, 3]."""
        return self.rotations[1:] @ self.rotations[:-1].transpose(0, 2, 1)


def film(
    num_frames: int = 24,
    *,
    travel: tuple[float, float, float] = (0.0, 0.0, 0.0),
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
    sway: float = 0.0,
    depths: tuple[float, float] = (0.5, 3.0),
    ratio: float = 0.85,
    distortion: float = 0.0,
    mover: float = 0.0,
    noise: float = 0.15,
    count: int = 1500,
    seed: int = 0,
) -> Filmed:
    """Film random points.

    Args:
        num_frames: T.
        travel: Way of the camera's centre per frame; the middle of the depths is about 1.
        turn: Rotation vector of the camera per frame, degrees.
        sway: Amplitude of a hand that is not still: degrees, and hundredths of a depth.
        depths: Nearest and farthest; evenly spread in their logarithm.
        ratio: Focal length over the width.
        distortion: Of the lens.
        mover: Share of the picture's height and width that is an object which moves.
        noise: Pixels.
        count: Points, spread over what is seen on the way.
        seed: Of all that is random.
    """
    random = np.random.default_rng(seed)
    time = np.arange(num_frames)
    swing = np.sin(time[:, None] * (0.7, 0.9, 0.5) + (0.3, 1.9, 4.0))
    swing -= swing[0]
    vectors = np.radians(np.outer(time, turn) + sway * swing)
    rotations = rotation_matrices(vectors).transpose(0, 2, 1)
    centres = np.outer(time, travel) + 0.01 * sway * swing[:, ::-1]
    focal = ratio * WIDTH
    lens = focal, distortion
    world = _points_in_sight(random, rotations, centres, focal=focal, depths=depths, count=count)
    places = _seen(world, rotations, centres, lens=lens)
    if mover:
        _move(places, world, share=mover, lens=lens)
    places += random.normal(0, noise, places.shape)
    limits = np.array([WIDTH - 1, HEIGHT - 1])
    with np.errstate(invalid="ignore"):
        inside = ((places > 0) & (places < limits)).all(axis=2)
    births = random.integers(-12, num_frames, count)
    alive = (time[:, None] >= births) & (time[:, None] < births + 14)
    # A point that leaves is not found again: it is there from its first frame without a gap.
    there = inside & alive
    gone = np.cumsum(~there & (np.cumsum(there, axis=0) > 0), axis=0) > 0
    places[~there | gone] = np.nan
    return Filmed(Trails(places.astype(np.float32)), rotations, centres, focal)


def _points_in_sight(random, rotations, centres, *, focal, depths, count) -> np.ndarray:
    """Return points [N, 3] of the world, each in sight of some frame."""
    frames = random.integers(0, len(rotations), count)
    depth = np.exp(random.uniform(*np.log(depths), count))
    spots = random.random((count, 2)) * SIZE - (WIDTH / 2, HEIGHT / 2)
    local = np.column_stack([spots / focal, np.ones(count)]) * depth[:, None]
    return np.einsum("nji,nj->ni", rotations[frames], local) + centres[frames]


def _seen(world, rotations, centres, *, lens) -> np.ndarray:
    focal, distortion = lens
    local = np.einsum("tij,tnj->tni", rotations, world[None] - centres[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = np.where(local[..., 2:] > 0.05, local[..., :2] / local[..., 2:], np.nan)
    bent = flat * (1 + distortion * np.square(flat).sum(axis=2, keepdims=True))
    return focal * bent + ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)


def _move(places, world, *, share, lens) -> None:
    """Let the points of a box in the middle of the first frame go their own way."""
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    first = _seen(world, np.eye(3)[None], np.zeros((1, 3)), lens=lens)[0] - middle
    with np.errstate(invalid="ignore"):
        own = (np.abs(first) < 0.5 * share * np.array(SIZE)).all(axis=1)
    way = np.arange(len(places))[:, None] * (3.0, 0.8)
    places[:, own] = first[own] + middle + way[:, None]
