"""Looks for an object again that was hidden, near where it should come out."""

import cv2
import numpy as np

from clipmill.annotations.tracks.arrays import Floats, Gray
from clipmill.annotations.tracks.body import Body
from clipmill.annotations.tracks.patches import RADIUS, likeness, sample

_VOTERS = 12  # best textured points that vote
_MIN_LIKENESS = 0.7
_MAX_REACH = 40
_MIN_CONTRAST = 2.0  # grey levels a voter must vary by


def find_again(body: Body, gray: Gray) -> bool:
    """Search a hidden object and take it up when it is found.

    The best textured points vote with their normalised correlation for one common shift, first
    with their first looks, then with their latest; the winner must make a quarter of all points
    look like themselves.

    Args:
        body: A hidden object.
        gray: uint8 [H, W], the current frame.

    Returns:
        Whether it was found.
    """
    for looks in (body.templates.patches, body.recent):
        shift = _vote(body, looks, gray)
        if shift is None:
            continue
        alike = _likeness_at(body, looks, gray, body.places + shift)
        if (alike > _MIN_LIKENESS).sum() >= max(body.needed, 0.25 * len(alike)):
            body.found_at(shift, alike)
            return True
    return False


def _vote(body: Body, looks: Floats, gray: Gray) -> Floats | None:
    """Return the shift that most points agree on, or None when they do not."""
    reach = int(min(_MAX_REACH, 5 + 1.5 * body.hidden_for))
    margin = RADIUS + reach
    height, width = gray.shape
    maps = []
    for voter in np.argsort(-body.templates.texture, kind="stable")[:_VOTERS]:
        x, y = np.rint(body.places[voter]).astype(int)
        if not (margin <= x < width - margin and margin <= y < height - margin):
            continue
        template = _as_pictured(looks[voter], body.pose[:, :2])
        if template.std() < _MIN_CONTRAST:
            continue
        window = gray[y - margin : y + margin + 1, x - margin : x + margin + 1]
        maps.append(cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED))
    if len(maps) < 3:
        return None
    # Half of the voters may still be hidden: the better half decides.
    ranked = np.sort(np.stack(maps), axis=0)[len(maps) // 2 :]
    votes = ranked.mean(axis=0)
    best = int(np.argmax(votes))
    if votes.ravel()[best] < _MIN_LIKENESS:
        return None
    row, column = divmod(best, votes.shape[1])
    return np.array([column - reach, row - reach], np.float64)


def _as_pictured(look: Floats, linear: Floats) -> Gray:
    """Return a patch, upright in the object's frame, as it looks in the picture now."""
    side = 2 * RADIUS + 1
    upright = np.rint(look.reshape(side, side)).astype(np.uint8)
    centre = np.full((1, 2), float(RADIUS))
    turned = sample(upright, centre, np.linalg.inv(linear)[None])
    return np.rint(turned.reshape(side, side)).astype(np.uint8)


def _likeness_at(body: Body, looks: Floats, gray: Gray, places: Floats) -> Floats:
    height, width = gray.shape
    linear = np.broadcast_to(body.pose[:, :2], (len(places), 2, 2))
    alike = likeness(looks, sample(gray, places, linear), body.templates.weights)
    inside = ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=1)
    return np.where(inside, alike, -1.0)
