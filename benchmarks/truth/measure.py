"""Holds what was found in a video against its truth."""

import numpy as np
import numpy.typing as npt

from clipmill.vision.masks import Mask, grow, overlap
from truth.found import FoundObject, FoundVideo
from truth.pool import Pool
from truth.truths import Joints, Truth

_FOUND = 0.5  # overlap from which an object is the person-made mask
_CROPPED = 0.3  # the same for what comes into a picture or leaves it
_EDGE = 4  # source pixels that a track may lie beside the mask
_NEAR = 12.0  # source pixels from a joint to a point that goes with it
_PCK = 0.1  # of the square root of the object's area
_CUT_TOLERANCE = 2
_PASSAGE_TOLERANCE = 3


def measure(truth: Truth, found: FoundVideo, pool: Pool) -> str:
    """Add a video to the pool and return what to say of it."""
    by_kind = {"davis": _davis, "crop": _crop, "cuts": _cuts, "rooms": _rooms}
    if truth.kind not in by_kind:
        raise SystemExit(f"{truth.name}: unknown kind of truth '{truth.kind}'")
    return by_kind[truth.kind](truth, found, pool)


def _davis(truth: Truth, found: FoundVideo, pool: Pool) -> str:
    assert truth.masks is not None
    best, hits = 0.0, []
    for one in found.objects:
        true = truth.masks[one.anchor]
        j = overlap(one.mask, true)
        pool.precise.append(bool((one.mask & true).sum() >= 0.5 * max(1, one.mask.sum())))
        best = max(best, j)
        if j >= _FOUND:
            hits.append(one)
    pool.found.append(best >= _FOUND)
    pool.anchor.append(best)
    pool.sampled.append(found.samples > 0)
    pool.stage2.append(found.stage2 > 0)
    pool.right.append(any(one.object_id in found.sampled for one in hits))
    notes = [f"J {best:.2f}", _counts(found)]
    for one in hits:
        notes += _over_time(truth.masks, one, pool) + _tracks(truth.masks, one, pool)
        if truth.joints is not None and one.points is not None:
            pool.joints += _joints(truth.joints, truth.masks, one)
    return ", ".join(notes)


def _over_time(masks: Mask, one: FoundObject, pool: Pool) -> list[str]:
    """Compare carried masks, the anchor's own left out."""
    frames = [t for t in one.masks if t < len(masks) and t != one.anchor]
    if not frames:
        return []
    pool.time.append(float(np.mean([overlap(one.masks[t], masks[t]) for t in frames])))
    return [f"J time {pool.time[-1]:.2f}"]


def _tracks(masks: Mask, one: FoundObject, pool: Pool) -> list[str]:
    """Count visible points, and those of them that lie on the object, where it is seen."""
    if one.points is None or one.visible is None:
        return []
    on = seen = shown = 0
    for points, visible, mask in zip(one.points, one.visible, masks[one.anchor :], strict=False):
        if not mask.any():
            continue
        shown += len(points)
        at = np.round(points[visible]).astype(int)
        height, width = mask.shape
        inside = ((at >= 0) & (at < (width, height))).all(axis=1)
        on += int(grow(mask, _EDGE)[at[inside, 1], at[inside, 0]].sum())
        seen += len(at)
    if not seen:
        return []
    pool.on_object.append(on / seen)
    pool.visible.append(seen / shown)
    return [f"on object {on / seen:.2f}, visible {seen / shown:.2f}"]


def _joints(joints: Joints, masks: Mask, one: FoundObject) -> list[bool]:
    """Return for each joint and later marked frame whether the point near it went along."""
    assert one.points is not None and one.visible is not None
    first = int(np.argmin(np.abs(joints.frames - one.anchor)))
    start = int(joints.frames[first]) - one.anchor
    if not 0 <= start < len(one.points):
        return []
    kept: list[bool] = []
    for joint in np.flatnonzero(joints.seen[first]):
        apart = np.linalg.norm(one.points[start] - joints.xy[first, joint], axis=1)
        point = int(np.argmin(apart))
        if apart[point] > _NEAR:
            continue
        offset = joints.xy[first, joint] - one.points[start][point]
        for later in range(first + 1, len(joints.frames)):
            frame = int(joints.frames[later])
            place = frame - one.anchor
            if place >= len(one.points) or not joints.seen[later, joint]:
                continue
            miss = np.linalg.norm(one.points[place][point] + offset - joints.xy[later, joint])
            limit = _PCK * np.sqrt(masks[frame].sum())
            kept.append(bool(one.visible[place][point] and miss <= limit))
    return kept


def _crop(truth: Truth, found: FoundVideo, pool: Pool) -> str:
    assert truth.masks is not None
    enters = truth.enter is not None
    true = truth.enter if enters else truth.exit
    assert true is not None
    said = [
        frame
        for one in found.objects
        if (frame := one.enter if enters else one.exit) is not None
        and one.anchor < len(truth.masks)
        and overlap(one.mask, truth.masks[one.anchor]) > _CROPPED
    ]
    error = min((abs(frame - true) for frame in said), default=None)
    within = error is not None and error <= _PASSAGE_TOLERANCE
    (pool.enter if enters else pool.exit).append(within)
    return f"{'enter' if enters else 'exit'} {true}, said {said}, {_counts(found)}"


def _cuts(truth: Truth, found: FoundVideo, pool: Pool) -> str:
    hits, rest = _match(found.cuts, truth.cuts)
    false = [f for f in rest if not any(_within(f, a, b) for a, b, _ in truth.gradual)]
    pool.cut_hits += hits
    pool.cut_true += len(truth.cuts)
    pool.cut_false += len(false)
    notes = [f"cuts {hits} of {len(truth.cuts)}, false {false}"]
    for begin, end, how in truth.gradual:
        hit = any(_within(frame, begin, end) for frame in rest)
        (pool.dissolve if how == "dissolve" else pool.fade).append(hit)
        notes.append(f"{how} {begin} to {end} {'found' if hit else 'missed'}")
    return ", ".join(notes)


def _within(frame: int, begin: int, end: int) -> bool:
    return begin - _CUT_TOLERANCE <= frame <= end + _CUT_TOLERANCE


def _match(found: list[int], true: tuple[int, ...]) -> tuple[int, list[int]]:
    """Return how many true cuts were found, and what was found besides; each serves once."""
    rest, hits = list(found), 0
    for cut in true:
        near = [frame for frame in rest if abs(frame - cut) <= _CUT_TOLERANCE]
        if near:
            rest.remove(min(near, key=lambda frame: abs(frame - cut)))
            hits += 1
    return hits, rest


def _rooms(truth: Truth, found: FoundVideo, pool: Pool) -> str:
    assert truth.rotations is not None
    errors: list[float] = []
    for frames, rotations in found.cameras:
        for n in range(len(frames) - 1):
            a, b = int(frames[n]), int(frames[n + 1])
            true = truth.rotations[b] @ truth.rotations[a].T
            said = rotations[n + 1] @ rotations[n].T
            errors.append(_degrees(true.T @ said) / (b - a))
            pool.true_turn.append(_degrees(true) / (b - a))
    pool.rotation += errors
    if not found.cameras:
        pool.no_camera.append(truth.name)
        return "no camera row"
    return f"rotation error {np.median(errors):.3f} deg/frame" if errors else "one frame only"


def _degrees(rotation: npt.NDArray[np.floating]) -> float:
    """Return the angle of a rotation; exact for small ones too."""
    chord = float(np.linalg.norm(rotation - np.eye(3))) / (2 * np.sqrt(2))
    return float(np.degrees(2 * np.arcsin(min(1.0, chord))))


def _counts(found: FoundVideo) -> str:
    return f"{len(found.objects)} objects, {found.samples} samples, {found.stage2} for stage 2"
