"""Looks for an object again that was hidden, near where it should come out."""

import cv2
import numpy as np

from clipmill.annotations.tracks.arrays import Floats, Gray
from clipmill.annotations.tracks.body import Body
from clipmill.annotations.tracks.patches import RADIUS, likeness, sample

_VOTERS = 12  # best textured points that vote
_MIN_LIKENESS = 0.7
_MAX_REACH = 40


def find_again(body: Body, reference: Gray, gray: Gray) -> bool:
    """Search a hidden object and take it up when it is found.

    The best textured points vote with their normalised correlation for one common shift; the
    winner must make a quarter of all points look like themselves.

    Args:
        body: A hidden object.
        reference: uint8 [H, W], the frame its templates come from.
        gray: uint8 [H, W], the current frame.

    Returns:
        Whether it was found.
    """
    reach = int(min(_MAX_REACH, 5 + 1.5 * body.hidden_for))
    linear = body.pose[:, :2]
    voters = np.argsort(-body.templates.texture, kind="stable")[:_VOTERS]
    away = np.broadcast_to(np.linalg.inv(linear), (len(voters), 2, 2))
    first = body.history[0]
    looks = sample(reference, first[voters], away)
    height, width = gray.shape
    margin = RADIUS + reach
    maps = []
    side = 2 * RADIUS + 1
    for voter, look in zip(voters, looks, strict=True):
        x, y = np.rint(body.places[voter]).astype(int)
        if not (margin <= x < width - margin and margin <= y < height - margin):
            continue
        window = gray[y - margin : y + margin + 1, x - margin : x + margin + 1]
        template = np.rint(look.reshape(side, side)).astype(np.uint8)
        if template.std() < 2:
            continue
        maps.append(cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED))
    if len(maps) < 3:
        return False
    # Half of the voters may still be hidden: the better half decides.
    ranked = np.sort(np.stack(maps), axis=0)[len(maps) // 2 :]
    votes = ranked.mean(axis=0)
    best = int(np.argmax(votes))
    if votes.ravel()[best] < _MIN_LIKENESS:
        return False
    row, column = np.unravel_index(best, votes.shape)
    shift = np.array([column - reach, row - reach], np.float64)
    alike = _likeness_at(body, gray, body.places + shift)
    if (alike > _MIN_LIKENESS).sum() < max(body.needed, 0.25 * len(alike)):
        return False
    body.found_at(shift, alike)
    return True


def _likeness_at(body: Body, gray: Gray, places: Floats) -> Floats:
    height, width = gray.shape
    linear = np.broadcast_to(body.pose[:, :2], (len(places), 2, 2))
    alike = likeness(body.templates.patches, sample(gray, places, linear))
    inside = ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=1)
    return np.where(inside, alike, -1.0)
