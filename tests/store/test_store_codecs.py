import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from clipmill.store.codecs import (
    TRACK_UNIT,
    decode_array,
    decode_bits,
    decode_mask,
    decode_tracks,
    encode_array,
    encode_bits,
    encode_mask,
    encode_tracks,
    mask_to_coco,
)

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)
DTYPES = st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4", "i8", "f2", "f4", "f8"])


@given(DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES)))
def test_arrays_come_back_equal_in_type_shape_and_bits(array):
    back = decode_array(encode_array(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()  # NaN payloads and -0.0 included
    assert back.flags.owndata or back.base.flags.owndata
    assert back.flags.writeable


def test_arrays_in_another_byte_order_or_layout_give_the_same_blob():
    array = np.arange(24, dtype="<i4").reshape(2, 3, 4)
    assert encode_array(array.astype(">i4")) == encode_array(array)
    assert encode_array(np.asfortranarray(array)) == encode_array(array)
    np.testing.assert_array_equal(decode_array(encode_array(array[:, ::-1])), array[:, ::-1])


@pytest.mark.parametrize("dtype", ["bool", "u8", "complex64", "U3", "object"])
def test_types_without_a_code_are_refused(dtype):
    with pytest.raises(ValueError, match="cannot be stored"):
        encode_array(np.zeros(3, dtype))


@given(hnp.arrays(bool, SHAPES))
def test_bits_come_back_equal(flags):
    back = decode_bits(encode_bits(flags))
    assert back.dtype == bool
    assert back.shape == flags.shape
    np.testing.assert_array_equal(back, flags)


@given(
    hnp.arrays(
        "f8",
        st.tuples(st.integers(0, 6), st.integers(0, 5), st.just(2)),
        elements=st.floats(-1e5, 1e5) | st.floats(-1e8, 1e8),
    )
)
def test_tracks_come_back_within_half_a_unit(points):
    back = decode_tracks(encode_tracks(points))
    assert back.dtype == np.float32
    assert back.shape == points.shape
    # float32 itself is coarser than the unit far outside any picture
    tolerance = TRACK_UNIT / 2 + np.abs(points) * 2.0**-23
    assert (np.abs(back - points) <= tolerance).all()


@given(
    hnp.arrays(
        "i4", st.tuples(st.integers(1, 6), st.integers(1, 5), st.just(2)),
        elements=st.integers(-40_000, 40_000),
    )
)  # fmt: skip
def test_tracks_on_the_grid_come_back_exactly(units):
    points = (units * TRACK_UNIT).astype(np.float32)
    np.testing.assert_array_equal(decode_tracks(encode_tracks(points)), points)


@pytest.mark.parametrize(("jump", "magic"), [(2047.9, b"T"), (2048.0, b"t"), (-9e7, b"t")])
def test_a_jump_too_big_for_int16_switches_to_int32_and_does_not_wrap(jump, magic):
    points = np.array([[[0.0, 5.0]], [[jump, 5.0]], [[0.0, 5.0]]])
    blob = encode_tracks(points)
    assert blob[:1] == magic
    np.testing.assert_allclose(decode_tracks(blob), points, rtol=1e-7, atol=TRACK_UNIT / 2)


def test_a_jump_across_the_whole_allowed_range_does_not_wrap():
    points = np.array([[[-1e8, 0.0]], [[1e8, 0.0]], [[-1e8, 0.0]]])
    np.testing.assert_allclose(decode_tracks(encode_tracks(points)), points)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.1e8, -1e300])
def test_tracks_that_cannot_be_stored_are_refused(bad):
    points = np.zeros((2, 3, 2))
    points[1, 2, 0] = bad
    with pytest.raises(ValueError, match="tracks"):
        encode_tracks(points)


def test_tracks_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\[T, N, 2\]"):
        encode_tracks(np.zeros((4, 2)))


@given(hnp.arrays(bool, st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_masks_come_back_equal(mask):
    back = decode_mask(encode_mask(mask))
    assert back.dtype == bool
    np.testing.assert_array_equal(back, mask)


def test_masks_are_what_pycocotools_reads():
    mask = np.zeros((37, 53), bool)
    mask[5:20, 7:41] = True
    assert coco.area(mask_to_coco(encode_mask(mask))) == mask.sum()


@settings(max_examples=30)
@given(
    hnp.arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))),
    st.integers(1, 5),
)
def test_masks_sampled_at_a_multiple_repeat_every_pixel(mask, factor):
    size = (mask.shape[0] * factor, mask.shape[1] * factor)
    back = decode_mask(encode_mask(mask), size=size)
    np.testing.assert_array_equal(back, np.kron(mask, np.ones((factor, factor), bool)))


def test_masks_sampled_at_odd_sizes_take_the_pixel_under_the_centre():
    mask = np.array([[True, False, True]])
    back = decode_mask(encode_mask(mask), size=(2, 5))
    np.testing.assert_array_equal(back, [[True, True, False, True, True]] * 2)


@settings(max_examples=200)
@given(
    hnp.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))),
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.integers(1, 40),
)
def test_masks_sampled_at_any_size_equal_those_that_are_unpacked(mask, size, factor):
    mask = np.repeat(mask, factor, axis=0)  # long runs take several bytes
    rows, columns = (
        ((np.arange(count) + 0.5) * side / count).astype(int)
        for count, side in zip(size, mask.shape, strict=True)
    )
    back = decode_mask(encode_mask(mask), size=size)
    assert back.dtype == bool
    np.testing.assert_array_equal(back, mask[np.ix_(rows, columns)])


@pytest.mark.parametrize("decode", [decode_array, decode_bits, decode_tracks, decode_mask])
def test_a_blob_of_another_kind_is_refused(decode):
    for blob in (b"", b"?rest", b"\x00" * 20):
        with pytest.raises(ValueError, match="begins with"):
            decode(blob)
