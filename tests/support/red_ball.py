"""A red ball on its way over a photograph, and a network that sees what is red.

The network is a real function of the picture, so that what is done with its masks over time can be
tested without weights: everything that goes wrong is then not the network's fault.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from clip_inputs import probed

from clipmill.annotations.base import ClipInput
from clipmill.annotations.objects.carried import CarriedObjects, CarriedObjectsConfig
from clipmill.annotations.objects.propagation.frames import ClipFrames, read_frames
from clipmill.demo.photos import backdrop
from clipmill.demo.scene import write_video

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Film:
    """Balls over a backdrop.

    Attributes:
        paths: For each ball, its centre x, y at a frame; None where it is not there.
        length: Frames.
        size: Width and height, pixels.
        radius: Of the balls, pixels.
        pillar: First and last column of something that stands before the balls.
        pan: Pixels per frame that the backdrop shifts to the left, as before a turning camera.
        background: Name of a photograph of the demo.
    """

    paths: tuple[Callable[[int], tuple[float, float] | None], ...]
    length: int = 60
    size: tuple[int, int] = (320, 180)
    radius: int = 28
    pillar: tuple[int, int] = (0, 0)
    pan: float = 0.0
    background: str = "gravel"

    def masks(self, frame: int) -> list[Mask]:
        """Return where each ball is seen, bool [H, W]; later balls lie before earlier ones."""
        width, height = self.size
        found: list[Mask] = []
        for path in self.paths:
            canvas = np.zeros((height, width), np.uint8)
            centre = path(frame)
            if centre is not None:
                at = round(centre[0]), round(centre[1])
                cv2.circle(canvas, at, self.radius, 1, -1)
            canvas[:, slice(*self.pillar)] = 0
            mask = canvas > 0
            found = [before & ~mask for before in found] + [mask]
        return found

    def pictures(self) -> Iterator[Picture]:
        """Yield the frames, uint8 [H, W, 3], RGB."""
        width, height = self.size
        wide = width + round(self.pan * self.length) + 1
        ground = backdrop(self.background, wide, height, 1.0)[:height, :wide]
        skin = backdrop("grass", 4 * self.radius, 4 * self.radius, 1.0)
        post = backdrop("brick", width, height, 1.0)[:height, :width]
        for frame in range(self.length):
            shift = round(self.pan * frame)
            picture = ground[:, shift : shift + width].copy()
            for path, mask in zip(self.paths, self.masks(frame), strict=True):
                centre = path(frame)
                if centre is not None:
                    rows, columns = np.nonzero(mask)
                    at = rows - round(centre[1]), columns - round(centre[0])
                    shade = skin[at[0] + 2 * self.radius, at[1] + 2 * self.radius].mean(axis=1)
                    picture[mask] = np.stack([120 + shade / 2, 20 + shade / 8, 30 + shade / 8], 1)
            columns = slice(*self.pillar)
            picture[:, columns] = post[:, columns]
            yield picture


def straight(x: float, y: float, step: float) -> Callable[[int], tuple[float, float]]:
    """Return a path from x, y to the right, `step` pixels a frame."""
    return lambda frame: (x + step * frame, y)


def redness(picture: Picture) -> npt.NDArray[np.float32]:
    """Return how red each pixel is, float32 [H, W] in [0, 1]."""
    red, green, blue = picture.astype(np.float32).transpose(2, 0, 1)
    return np.clip((red - np.maximum(green, blue) - 30) / 60, 0, 1)


class RedThings(CarriedObjects):
    """What is red and moves."""

    name = "red"
    Config = CarriedObjectsConfig

    def whole_network(self):
        return redness

    def crop_network(self):
        return redness


def item_of_film(path: Path, film: Film, *, start: int = 0, end: int | None = None) -> ClipInput:
    """Write a film to a file and return its clip, probed."""
    write_video(path, film.pictures(), 25)
    return probed(path, start, end)


def frames_of_film(path: Path, film: Film) -> ClipFrames:
    """Return the decoded frames of a film with their flow, at its own size."""
    long_side = max(film.size)
    return read_frames(item_of_film(path, film), work_side=long_side, detail_side=long_side)


def film_store(folder: Path) -> Callable[[Film], ClipFrames]:
    """Return a function from a film to its frames, each film written once, into a folder."""

    @cache
    def frames(film: Film) -> ClipFrames:
        return frames_of_film(folder / f"{frames.cache_info().misses}.mp4", film)

    return frames
