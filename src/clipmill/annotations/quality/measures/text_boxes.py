"""Boxes of words from the maps of CRAFT, as EasyOCR's `readtext` finds them.

Follows the published code step by step (CRAFT, MIT; EasyOCR, Apache-2.0), so that the text area of
the published pipeline is met.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

_TEXT, _LINK, _LOW_TEXT = 0.7, 0.4, 0.4
_MIN_AREA = 10
"""Smaller components, in pixels of a map, are no words."""

Map = npt.NDArray[np.float32]


def word_boxes(text: Map, link: Map, *, scale: float) -> list[npt.NDArray[np.int32]]:
    """Return the boxes of words.

    Args:
        text: How sure the network is of a letter, float32 [H, W].
        link: How sure it is of what joins two letters, float32 [H, W].
        scale: Pixels of the source per pixel of a map.

    Returns:
        int32 [8] each: x and y of four corners in source pixels, clockwise.
    """
    letters, joints = text > _LOW_TEXT, link > _LINK
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (letters | joints).astype(np.uint8), connectivity=4
    )
    boxes = []
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < _MIN_AREA:
            continue
        component = labels == label
        if text[component].max() < _TEXT:
            continue
        word = np.where(component & ~(joints & ~letters), 255, 0).astype(np.uint8)
        boxes.append(_corners(_widened(word, stats[label])))
    return [
        np.asarray(box * np.float64(scale), np.float32).astype(np.int32).ravel() for box in boxes
    ]


def _widened(word: npt.NDArray[np.uint8], stats: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Grow a word, uint8 [H, W], by what the network leaves out around letters."""
    left, top, width, height, area = (int(value) for value in stats)
    reach = int(math.sqrt(area * min(width, height) / (width * height)) * 2)
    rows = slice(max(top - reach, 0), min(top + height + reach + 1, word.shape[0]))
    columns = slice(max(left - reach, 0), min(left + width + reach + 1, word.shape[1]))
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (1 + reach, 1 + reach))
    word[rows, columns] = cv2.dilate(word[rows, columns], kernel)
    return word


def _corners(word: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the corners of the smallest rectangle around a word, float32 [4, 2], clockwise."""
    rows, columns = np.nonzero(word)
    points = np.stack([columns, rows], axis=1)
    box = np.asarray(cv2.boxPoints(cv2.minAreaRect(points)))
    sides = np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[1] - box[2])
    if abs(1 - max(sides) / (min(sides) + 1e-5)) <= 0.1:  # a square may have come out on its tip
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return np.roll(box, 4 - box.sum(axis=1).argmin(), axis=0)
