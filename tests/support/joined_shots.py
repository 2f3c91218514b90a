"""Shots from photos with a moving camera, joined by cuts, dissolves and fades."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.transitions.thumbnails import HEIGHT, WIDTH, Thumbnails, thumbnails
from clipmill.demo.scene import Camera, Scene, Shot, render

Frames = npt.NDArray[np.uint8]


@cache
def shot(background: str = "china", *, num_frames: int = 30, pan: float = 2.0) -> Frames:
    """Return a shot, uint8 [T, 180, 320, 3], read-only."""
    drawn = Shot(num_frames=num_frames, background=background, camera=Camera(pan=(pan, 0.0)))
    frames = np.stack(list(render(Scene(shots=(drawn,), width=320, height=180, noise=1))))
    frames.flags.writeable = False
    return frames


def cut(*shots: Frames) -> Frames:
    """Join shots without a transition."""
    return np.concatenate(shots)


def dissolve(old: Frames, new: Frames, num_frames: int) -> Frames:
    """Mix the last frames of one shot with the first ones of the other.

    The first mixed frame is number len(old) - num_frames, the first pure one len(old).
    """
    share = (np.arange(num_frames) + 1)[:, None, None, None] / (num_frames + 1)
    mixed = old[-num_frames:] * (1 - share) + new[:num_frames] * share
    return cut(old[:-num_frames], np.round(mixed).astype(np.uint8), new[num_frames:])


def fade(old: Frames, new: Frames, num_frames: int, *, level: int = 0, hold: int = 0) -> Frames:
    """Go to a plain picture within `num_frames`, stay there, and come back as slowly.

    Mixed or plain frames are [len(old) - num_frames, len(old) + hold + num_frames).
    """
    plain = np.full((2 * num_frames + hold, *old.shape[1:]), level, np.uint8)
    return dissolve(dissolve(old, plain, num_frames), new, num_frames)


def flash(frames: Frames, at: int, num_frames: int, *, gain: float, lift: float) -> Frames:
    """Brighten some frames until parts of them are white."""
    lit = frames.astype(np.float32)
    lit[at : at + num_frames] = lit[at : at + num_frames] * gain + lift
    return np.clip(lit, 0, 255).astype(np.uint8)


def letterboxed(frames: Frames, rows: int = 22) -> Frames:
    """Put black bars above and below."""
    boxed = frames.copy()
    boxed[:, :rows] = boxed[:, -rows:] = 0
    return boxed


def reduced(frames: Frames) -> Thumbnails:
    """Reduce frames as the backend does."""
    size = (WIDTH, HEIGHT)
    return thumbnails(cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames)
