"""The background's homography between two frames, in spite of objects that move.

Sampling: MAGSAC++ (Barath et al., 2020), as OpenCV has it, with its fixed seed. The winner is
not the motion with most points but the one that explains most of the PICTURE: every grid cell
has one vote, cells along the border two, as objects rarely line the border.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from clipmill.annotations.camera.corners import GRID, cells_of
from clipmill.annotations.camera.klt import Matches
from clipmill.vision.arrays import Flags, Floats, Matrix, Points

INLIER_DISTANCE = 1.2
"""Working pixels within which a point follows a motion."""

_NOISE = 0.12  # standard deviation of a tracked position, working pixels
_MIN_POINTS = 8


@dataclass(frozen=True)
class Background:
    """How the background moves from one frame to the other.

    Attributes:
        matrix: float64 [3, 3], working pixels, bottom right 1.
        inliers: bool [N]: matches that follow it.
        share: Share of the picture (cell votes) that follows it, [0, 1].
        residual: Median distance of ALL matches from it, working pixels.
        still: Whether no motion at all explains the matches as well.
    """

    matrix: Matrix
    inliers: Flags
    share: float
    residual: float
    still: bool


def transfer(matrix: Matrix, points: Points) -> Points:
    """Return points [N, 2] mapped by a homography; points behind it stay finite."""
    mapped = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    depth = mapped[:, 2:]
    depth = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
    return (mapped[:, :2] / depth).astype(np.float32)


def distances(matrix: Matrix, matches: Matches) -> Floats:
    """Return how far each match is from a homography, pixels in the second frame, [N]."""
    return np.linalg.norm(transfer(matrix, matches.first) - matches.second, axis=1)


def cell_votes(matches: Matches, *, width: int, height: int) -> Floats:
    """Return the weight of each match, [N], sum 1: equal per cell, border cells twice."""
    cells = cells_of(matches.first, width=width, height=height)
    counts = np.bincount(cells, minlength=GRID[0] * GRID[1])
    row, column = np.divmod(cells, GRID[0])
    border = (row == 0) | (row == GRID[1] - 1) | (column == 0) | (column == GRID[0] - 1)
    weights = np.where(border, 2.0, 1.0) / counts[cells]
    return weights / weights.sum()


def background_of(
    matches: Matches, *, width: int, height: int, previous: Matrix | None = None
) -> Background | None:
    """Fit the background's motion.

    Args:
        matches: Points of both frames.
        width: Of the frames, working pixels.
        height: Of the frames, working pixels.
        previous: Motion of the pair before, tried as a candidate.

    Returns:
        None when there is too little to go by.
    """
    if len(matches) < _MIN_POINTS:
        return None
    votes = cell_votes(matches, width=width, height=height)
    candidates = [np.eye(3), *_sampled(matches)]
    if previous is not None:
        candidates.append(previous)
    support = [_support(distances(matrix, matches), votes) for matrix in candidates]
    matrix = _simplest(_polish(candidates[int(np.argmax(support))], matches), matches)
    error = distances(matrix, matches)
    inliers = error < INLIER_DISTANCE
    return Background(
        matrix=matrix,
        inliers=inliers,
        share=float(votes[inliers].sum()),
        residual=float(np.median(error)),
        still=bool((matrix == np.eye(3)).all()),
    )


def _support(error: Floats, votes: Floats) -> float:
    return float((votes * np.maximum(0.0, 1 - (error / INLIER_DISTANCE) ** 2)).sum())


def _sampled(matches: Matches) -> list[Matrix]:
    """Return the dominant homography, and the one of the points that do not follow it."""
    found: list[Matrix] = []
    rest = np.ones(len(matches), bool)
    for _ in range(2):
        if rest.sum() < _MIN_POINTS:
            break
        matrix, _ = cv2.findHomography(
            matches.first[rest],
            matches.second[rest],
            cv2.USAC_MAGSAC,
            INLIER_DISTANCE,
            maxIters=1000,
            confidence=0.999,
        )
        if matrix is None or not plausible(matrix):
            break
        found.append(matrix)
        followers = distances(matrix, matches) < 2 * INLIER_DISTANCE
        if followers[rest].sum() > 0.8 * len(matches):
            break
        rest &= ~followers
    return found


def plausible(matrix: Matrix) -> bool:
    """Return whether a homography is one that a camera can do between neighbouring frames."""
    if not np.isfinite(matrix).all():
        return False
    scale = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    tilt = np.abs(matrix[2, :2]).max()
    return bool(0.5 < scale < 2.0 and tilt < 2e-3 and np.linalg.det(matrix) > 0)


def _polish(matrix: Matrix, matches: Matches) -> Matrix:
    """Refit to the matches that agree, twice, with the robust weights of Geman and McClure."""
    for _ in range(2):
        error = distances(matrix, matches)
        near = error < 2 * INLIER_DISTANCE
        if near.sum() < _MIN_POINTS:
            return matrix
        weights = 1 / (1 + (error[near] / INLIER_DISTANCE) ** 2) ** 2
        refined = fit_weighted(matches.first[near], matches.second[near], weights)
        if refined is None or not plausible(refined):
            return matrix
        matrix = refined
    return matrix


def fit_weighted(first: Points, second: Points, weights: Floats) -> Matrix | None:
    """Return the homography of least weighted algebraic error (Hartley's normalised DLT).

    Args:
        first: [N, 2], N >= 4.
        second: [N, 2].
        weights: [N], >= 0.

    Returns:
        float64 [3, 3], bottom right 1; None when the points are degenerate.
    """
    to_unit_a, a = _normalise(first)
    to_unit_b, b = _normalise(second)
    ones, zeros = np.ones(len(a)), np.zeros((len(a), 3))
    source = np.column_stack([a, ones])
    rows_x = np.hstack([source, zeros, -b[:, :1] * source])
    rows_y = np.hstack([zeros, source, -b[:, 1:] * source])
    scale = np.sqrt(weights)[:, None]
    system = np.vstack([rows_x * scale, rows_y * scale])
    # The smallest eigenvector of the 9 x 9 normal matrix; accurate enough once normalised.
    _, vectors = np.linalg.eigh(system.T @ system)
    matrix = np.linalg.inv(to_unit_b) @ vectors[:, 0].reshape(3, 3) @ to_unit_a
    if abs(matrix[2, 2]) < 1e-12:
        return None
    return matrix / matrix[2, 2]


def _normalise(points: Points) -> tuple[Matrix, Floats]:
    points = points.astype(np.float64)
    centre = points.mean(axis=0)
    spread = np.linalg.norm(points - centre, axis=1).mean()
    scale = np.sqrt(2) / max(float(spread), 1e-9)
    to_unit = np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])
    return to_unit, (points - centre) * scale


def _simplest(matrix: Matrix, matches: Matches) -> Matrix:
    """Choose between no motion, a similarity and the homography.

    By GRIC (Torr, 1998): fit plus a price per parameter. The fewer parameters, the less is made
    up in corners of the picture that hold no points.
    """
    limit = (INLIER_DISTANCE / _NOISE) ** 2
    near = distances(matrix, matches) < INLIER_DISTANCE
    choices = [(np.eye(3), 0), (matrix, 8)]
    if near.sum() >= _MIN_POINTS:
        choices.insert(1, (_similarity(matches.first[near], matches.second[near]), 4))

    def cost(choice: tuple[Matrix, int]) -> float:
        error, price = distances(choice[0], matches), choice[1] * np.log(4 * len(matches))
        return float(np.minimum((error / _NOISE) ** 2, limit).sum() + price)

    return min(choices, key=cost)[0]


def _similarity(first: Points, second: Points) -> Matrix:
    """Return the similarity of least squared error (Umeyama, 1991)."""
    middle_a, middle_b = first.mean(axis=0, dtype=float), second.mean(axis=0, dtype=float)
    a, b = first - middle_a, second - middle_b
    power = max(float((a * a).sum()), 1e-9)
    cosine = float((a * b).sum()) / power
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / power
    linear = np.array([[cosine, -sine], [sine, cosine]])
    shift = middle_b - linear @ middle_a
    return np.vstack([np.column_stack([linear, shift]), [0, 0, 1.0]])
