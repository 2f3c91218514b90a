"""Follows all objects of an anchor through a run of frames, one way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clipmill.annotations.tracks.arrays import Flags, Floats, Gray
from clipmill.annotations.tracks.body import Body, Seed
from clipmill.annotations.tracks.flow import step
from clipmill.annotations.tracks.patches import sample
from clipmill.annotations.tracks.search import find_again


@dataclass(frozen=True)
class Followed:
    """Where an object's points went, in the order of the frames given.

    Attributes:
        points: float64 [T, N, 2], working pixels; finite, also where hidden or outside.
        visible: bool [T, N].
        support: float64 [T, M, 2].
        support_visible: bool [T, M].
    """

    points: Floats
    visible: Flags
    support: Floats
    support_visible: Flags


def follow(
    frames: Sequence[Gray], seeds: Sequence[Seed], *, check: Callable[[], None]
) -> list[Followed]:
    """Follow objects from the first frame on.

    Args:
        frames: T images uint8 [H, W], in the order to go.
        seeds: One per object, in the first frame.
        check: Called once per frame.

    Returns:
        One result per seed.
    """
    bodies = [_start(frames[0], seed) for seed in seeds]
    for before, now in pairwise(frames):
        check()
        _advance(bodies, before, now)
    return [_finish(body) for body in bodies]


def _start(gray: Gray, seed: Seed) -> Body:
    places = np.concatenate([seed.points, seed.support])
    return Body(seed, sample(gray, places, np.broadcast_to(np.eye(2), (len(places), 2, 2))))


def _advance(bodies: Sequence[Body], before: Gray, now: Gray) -> None:
    height, width = now.shape
    seen = np.concatenate([body.seen for body in bodies])
    places = np.concatenate([body.places for body in bodies])
    guess = np.concatenate([body.guess() for body in bodies])
    there, error = guess.copy(), np.full(len(places), np.inf)
    there[seen], error[seen] = step(before, now, places[seen], guess[seen])
    cuts = np.cumsum([len(body.places) for body in bodies])[:-1]

    def look(at: Floats) -> list[Floats]:
        linear = [np.broadcast_to(body.pose[:, :2], (len(body.places), 2, 2)) for body in bodies]
        return np.split(sample(now, at, np.concatenate(linear)), cuts)

    for body, to, miss, looks in zip(
        bodies, np.split(there, cuts), np.split(error, cuts), look(there), strict=True
    ):
        body.propose(to, miss, looks, size=(width, height))
    places = np.concatenate([body.places for body in bodies])
    inside = ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=1)
    for body, looks, within in zip(bodies, look(places), np.split(inside, cuts), strict=True):
        body.revisit(looks, within)
        if body.hidden_for:
            find_again(body, now)


def _finish(body: Body) -> Followed:
    places, seen = np.stack(body.history), np.stack(body.seen_history)
    count = body.num_points
    return Followed(places[:, :count], seen[:, :count], places[:, count:], seen[:, count:])
