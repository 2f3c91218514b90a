"""Scores of objects at their anchors, and of masks, entries and regions over time."""

import numpy as np

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.clips import Clip
from clipmill.demo.matching import iou, moving_sprites, same_shot
from clipmill.demo.scene import visible_masks
from clipmill.demo.score_base import DemoScore, Found, Truths, at_least, at_most, rows_of
from clipmill.demo.truth import SceneTruth, SpriteTruth
from clipmill.store.codecs import decode_mask

FALSE_BELOW = 0.3
"""An object that overlaps no moving sprite by more is an invented one."""

MASK_STEP = 5
"""Masks over time are compared at every fifth frame."""


def score_objects(truths: Truths, found: Found) -> list[DemoScore]:
    """Return the mask IoU over all moving sprites, a missed one being 0, and invented objects.

    Only anchors that the row lists are compared; a sprite counts there when it moves and its seen
    area is in the range of the published pipeline, [0.033, 0.4] of the frame.
    """
    overlaps: list[float] = []
    invented = anchors = 0
    for _, truth, (clip, row) in rows_of(truths, found, "objects"):
        scene = truth.scene
        for anchor in row.anchors:
            frame, anchors = clip.start + anchor.index, anchors + 1
            masks = visible_masks(scene, frame)
            size = scene.height, scene.width
            objects = [decode_mask(item.mask, size=size) for item in anchor.objects]
            for number in moving_sprites(scene, frame, masks):
                overlaps.append(max((iou(masks[number], mask) for mask in objects), default=0.0))
            # A part of a moving sprite, however small, is not invented.
            moving = [
                mask
                for mask, sprite in zip(masks, scene.shot_at(frame).sprites, strict=True)
                if sprite.moves
            ]
            invented += sum(
                all(iou(true, mask) < FALSE_BELOW for true in moving) for mask in objects
            )
    return [
        at_least("objects: mask IoU at the anchor", overlaps, 0.75),
        at_most("objects: invented", invented, 0, count=anchors),
    ]


def score_inout(truths: Truths, found: Found) -> list[DemoScore]:
    """Return the IoU of masks over time, the error of entries and exits, and leaking regions."""
    overlaps: list[float] = []
    errors: list[float] = []
    leaks = regions = 0
    for _, truth, (clip, row) in rows_of(truths, found, "inout"):
        for item in row.objects:
            number = _sprite_of(truth, clip, item)
            if number is None:
                continue
            overlaps += _mask_overlaps(truth, clip, item, number)
            name = truth.scene.shot_at(clip.start + item.anchor).sprites[number].name
            errors += _event_errors(_sprite_truth(truth, clip, item, name), clip, item)
            own = visible_masks(truth.scene, clip.start + item.anchor)[number]
            for region in item.regions:
                x0, y0, x1, y1 = region.box
                regions, leaks = regions + 1, leaks + bool(own[y0:y1, x0:x1].any())
    return [
        at_least("inout: mask IoU over time", overlaps, 0.75),
        at_most(
            "inout: entry and exit error", max(errors, default=0), 2, unit="frames",
            count=len(errors),
        ),
        at_most("inout: regions that show the object at the start", leaks, 0, count=regions),
    ]  # fmt: skip


def _sprite_of(truth: SceneTruth, clip: Clip, item: ObjectInOut) -> int | None:
    place = item.anchor - item.first_frame
    if not 0 <= place < len(item.masks):
        return None
    masks = visible_masks(truth.scene, clip.start + item.anchor)
    mask = decode_mask(item.masks[place], size=masks.shape[1:])
    overlaps = [iou(mask, true) for true in masks]
    best = int(np.argmax(overlaps)) if overlaps else -1
    return best if best >= 0 and overlaps[best] >= FALSE_BELOW else None


def _sprite_truth(truth: SceneTruth, clip: Clip, item: ObjectInOut, name: str) -> SpriteTruth:
    start = same_shot(truth.scene, clip.start + item.anchor).start
    return next(s for s in truth.sprites if (s.name, s.start) == (name, start))


def _mask_overlaps(truth: SceneTruth, clip: Clip, item: ObjectInOut, number: int) -> list[float]:
    """Return the IoU at every fifth frame that shows the sprite or a mask."""
    frames = same_shot(truth.scene, clip.start + item.anchor)
    overlaps = []
    for place in range(0, len(item.masks), MASK_STEP):
        frame = clip.start + item.first_frame + place
        if frame not in frames:
            continue
        true = visible_masks(truth.scene, frame)[number]
        mask = decode_mask(item.masks[place], size=true.shape)
        if true.any() or mask.any():
            overlaps.append(iou(true, mask))
    return overlaps


def _event_errors(true: SpriteTruth, clip: Clip, item: ObjectInOut) -> list[float]:
    """Return the error in frames of entry and exit, where there is a true or a found one.

    An event that is missing or made up counts as infinitely wrong. Only what lies in the frames
    that were looked at counts.
    """
    first = clip.start + item.first_frame
    looked_at = range(first, first + len(item.masks))
    errors: list[float] = []
    for event, found in (
        (true.enter_frame, item.enter_frame),
        (true.exit_frame, item.exit_frame),
    ):
        seen = event if event in looked_at else None
        if seen is not None and found is not None:
            errors.append(float(abs(clip.start + found - seen)))
        elif seen is not None or found is not None:
            errors.append(np.inf)
    return errors
