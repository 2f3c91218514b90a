import io

import cv2
import numpy as np
import pytest
from PIL import Image

from clipmill.annotations.inout.derive.identity_images import (
    box_areas,
    choose_others,
    cut_out,
    source_boxes,
)
from clipmill.store.codecs import encode_mask

rng = np.random.default_rng(0)
PICTURE = rng.integers(1, 256, (72, 128, 3), np.uint8)


def mask(top, bottom, left, right, shape=(36, 64)):
    made = np.zeros(shape, bool)
    made[top:bottom, left:right] = True
    return made


def test_boxes_are_half_open_at_source_size():
    boxes = source_boxes([mask(2, 5, 4, 9), mask(0, 0, 0, 0), mask(30, 36, 60, 64)], size=(128, 72))
    assert boxes.tolist() == [[8, 4, 18, 10], [0, 0, 0, 0], [120, 60, 128, 72]]
    assert boxes.dtype == np.int32
    assert box_areas(boxes).tolist() == [60, 0, 96]


def test_an_odd_scale_never_cuts_the_mask():
    (box,) = source_boxes([mask(1, 2, 1, 2)], size=(100, 50))
    assert box.tolist() == [1, 1, 4, 3]


def test_cut_out_is_the_box_and_black_outside_the_mask():
    shape = mask(10, 20, 10, 30)
    shape[10:14, 10:16] = False
    (box,) = source_boxes([shape], size=(128, 72)).tolist()
    image = cut_out(PICTURE, encode_mask(shape), tuple(box), frame=7)
    pixels = image.picture
    assert (image.frame, image.box) == (7, (20, 20, 60, 40))
    assert pixels.shape == (20, 40, 3)
    # The picture has no black pixel, so black is outside of the mask and nothing else is.
    black = (pixels == 0).all(axis=2)
    assert black[:7, :11].all()
    assert not black[9:, 13:].any()
    assert np.array_equal(pixels[~black], PICTURE[20:40, 20:60][~black])


def test_the_last_row_and_column_are_there():
    shape = mask(0, 36, 0, 64)
    (box,) = source_boxes([shape], size=(128, 72)).tolist()
    png = cut_out(PICTURE, encode_mask(shape), box, frame=0).image().png
    pixels = np.array(Image.open(io.BytesIO(png)))
    assert np.array_equal(pixels, PICTURE)


def test_same_png_bytes_again():
    blob = encode_mask(mask(3, 30, 3, 50))
    first, second = (cut_out(PICTURE, blob, (0, 0, 50, 50), frame=0).image() for _ in range(2))
    assert first == second


def test_a_blurred_picture_is_less_sharp():
    blob = encode_mask(mask(3, 30, 3, 50))
    box = (6, 6, 100, 60)
    blurred = cv2.GaussianBlur(PICTURE, (0, 0), 2)
    sharp, soft = (cut_out(one, blob, box, frame=0).sharpness for one in (PICTURE, blurred))
    assert sharp > 2 * soft > 0


@pytest.mark.parametrize("seed", range(20))
def test_others_leave_out_the_smallest_quarter_and_the_main_frame(seed):
    areas = np.array([50, 10, 40, 20, 30, 60, 70, 80, 0])
    counting = np.arange(8)
    chosen = choose_others(areas, counting, main=0, count=3, seed=seed)
    assert len(set(chosen)) == 3
    assert chosen == sorted(chosen)
    assert not set(chosen) & {0, 1, 3, 8}


def test_others_take_what_there_is():
    areas = np.array([5, 6])
    assert choose_others(areas, np.array([0, 1]), main=0, count=3, seed=0) == [1]
    assert choose_others(areas, np.array([0]), main=0, count=3, seed=0) == []
    several = [
        choose_others(np.arange(60), np.arange(60), main=0, count=3, seed=s) for s in (1, 1, 2)
    ]
    assert several[0] == several[1] != several[2]
