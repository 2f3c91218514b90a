"""Frames equal those of a full decode by ffmpeg, bit for bit, whatever the order of access."""

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipmill.video import FrameIndex, FrameSize, VideoReader, index_video
from media import ZOO, Recipe, decode_all, ffmpeg

Zoo = Callable[[str], Path]


def _check_patterns(path: Path, reference: np.ndarray) -> None:
    """All, shuffled with repeats, single, last, a stretch with a step: each on its own reader."""
    _, index = index_video(str(path))
    total = len(reference)
    assert index.num_frames == total

    with VideoReader(str(path), index=index) as reader:
        streamed = [(f.index, f.images["source"]) for f in reader.stream(0, total)]
    assert [number for number, _ in streamed] == list(range(total))
    np.testing.assert_array_equal(np.stack([image for _, image in streamed]), reference)

    order = random.Random(7).sample(range(total), min(total, 12)) * 2
    with VideoReader(str(path), index=index) as reader:
        np.testing.assert_array_equal(reader.frames(order), reference[order])
        np.testing.assert_array_equal(reader.frames([total - 1])[0], reference[-1])

    for number in {total - 1, total // 2, total // 3}:
        with VideoReader(str(path), index=FrameIndex.from_bytes(index.to_bytes())) as reader:
            np.testing.assert_array_equal(reader.frames([number])[0], reference[number])

    start = total // 3
    with VideoReader(str(path), index=index) as reader:
        for frame in reader.stream(start, total, step=5):
            np.testing.assert_array_equal(frame.images["source"], reference[frame.index])


@pytest.mark.parametrize("recipe", [r for r in ZOO if not r.planes], ids=lambda r: r.name)
def test_every_access_pattern_equals_a_full_decode(zoo: Zoo, recipe: Recipe) -> None:
    path = zoo(recipe.name)
    _check_patterns(path, decode_all(path, recipe.size))


@pytest.mark.parametrize("recipe", [r for r in ZOO if r.planes], ids=lambda r: r.name)
def test_decoded_planes_equal_a_full_decode(zoo: Zoo, recipe: Recipe) -> None:
    """Deep and interlaced formats: FFmpeg releases differ only in making RGB of the planes."""
    path = zoo(recipe.name)
    info, index = index_video(str(path))
    raw = ffmpeg(
        *("-i", f"file:{path}", "-vsync", "0", "-f", "rawvideo"),
        *("-pix_fmt", info.pixel_format, "-"),
    )
    reference = np.frombuffer(raw, np.uint8).reshape(index.num_frames, -1)
    order = [*range(index.num_frames), *random.Random(3).sample(range(index.num_frames), 8)]
    with VideoReader(str(path), index=index) as reader, reader._decoder() as decoder:
        for number in order:
            # `at` would deinterlace.
            planes = decoder._decoded_at(number).to_ndarray().view(np.uint8).ravel()
            np.testing.assert_array_equal(planes, reference[number], err_msg=f"frame {number}")


@cache
def _reference(path: Path) -> tuple[FrameIndex, np.ndarray]:
    return index_video(str(path))[1], decode_all(path, (160, 90))


@pytest.mark.parametrize(
    "name",
    ["h264-bframes.mp4", "h264-open-gop.ts", "hevc-8bit.mp4", "xvid-packed.avi", "variable.mkv"],
)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_set_of_indices_equals_a_full_decode(zoo: Zoo, name: str, data: st.DataObject) -> None:
    index, reference = _reference(zoo(name))
    numbers = st.integers(0, index.num_frames - 1)
    calls = data.draw(st.lists(st.lists(numbers, max_size=6), min_size=1, max_size=4))
    with VideoReader(str(zoo(name)), index=index) as reader:
        for call in calls:
            np.testing.assert_array_equal(reader.frames(call), reference[call])


def test_passes_and_single_frames_may_be_interleaved(zoo: Zoo) -> None:
    index, reference = _reference(zoo("h264-bframes.mp4"))
    with VideoReader(str(zoo("h264-bframes.mp4")), index=index) as reader:
        first, second = reader.stream(0, 30), reader.stream(20, 50)
        for one, two in zip(first, second, strict=True):
            np.testing.assert_array_equal(one.images["source"], reference[one.index])
            np.testing.assert_array_equal(two.images["source"], reference[two.index])
            number = 59 - one.index
            np.testing.assert_array_equal(reader.frames([number])[0], reference[number])


def test_a_wrong_key_flag_is_not_believed(zoo: Zoo) -> None:
    """An index that offers every frame as an entry point still gives the right pictures."""
    _, index = index_video(str(zoo("mpeg4-bframes.mp4")))
    lying = index.entries.__class__(np.arange(index.num_frames), index.pts, index.pts)
    wrong = FrameIndex(
        **{name: getattr(index, name) for name in index.__dataclass_fields__} | {"entries": lying}
    )
    reference = decode_all(zoo("mpeg4-bframes.mp4"), (160, 90))
    with VideoReader(str(zoo("mpeg4-bframes.mp4")), index=wrong) as reader:
        for number in (50, 31, 7):
            np.testing.assert_array_equal(reader.frames([number])[0], reference[number])


def test_random_access_decodes_from_the_key_frame_only(zoo: Zoo) -> None:
    """In transport streams a seek lands within a GOP; a plain fallback decoded from the start."""
    for name in ("h264-open-gop.ts", "mpeg2-open-gop.mpg", "variable.mp4", "edit-list.mp4"):
        decoded = []
        _, index = index_video(str(zoo(name)))
        with VideoReader(
            str(zoo(name)), index=index, on_frame=lambda seen=decoded: seen.append(1)
        ) as reader:
            reader.frames([index.num_frames - 1])
        assert len(decoded) <= 16, name


def test_gray_frames_are_luma_in_full_range(zoo: Zoo) -> None:
    reference = decode_all(zoo("h264-bframes.mp4"), (160, 90), pixel_format="gray")
    with VideoReader(str(zoo("h264-bframes.mp4"))) as reader:
        gray = reader.frames([0, 30], size=FrameSize(160, 90, "gray"))
    np.testing.assert_array_equal(gray, reference[[0, 30]])
