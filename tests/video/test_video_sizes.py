"""Sizes, resizing, gray, memory and URLs."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipmill.video import FrameSize, VideoReader, fit_within

Clips = Callable[..., Path]


@given(
    width=st.integers(2, 8000),
    height=st.integers(2, 8000),
    long_side=st.integers(16, 4000),
    multiple=st.sampled_from([1, 2, 4, 8, 14]),
)
def test_fit_within_keeps_the_bounds(
    width: int, height: int, long_side: int, multiple: int
) -> None:
    w, h = fit_within(width, height, long_side=long_side, multiple=multiple)
    assert w % multiple == 0 and h % multiple == 0
    for side, source in ((w, width), (h, height)):
        assert multiple <= side <= max(multiple, min(source, long_side))
    scale = min(1.0, long_side / max(width, height))
    assert abs(w - width * scale) <= multiple and abs(h - height * scale) <= multiple


def test_fit_within_examples() -> None:
    assert fit_within(1920, 1080, long_side=480) == (480, 270)
    assert fit_within(1080, 1920, long_side=480) == (270, 480)
    assert fit_within(320, 180, long_side=480) == (320, 180)
    assert fit_within(321, 181, long_side=480) == (320, 180)
    with pytest.raises(ValueError, match="cannot fit"):
        fit_within(0, 10, long_side=10)


def test_sizes_are_checked() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        FrameSize(0, 5)
    with pytest.raises(ValueError, match="pixel_format"):
        FrameSize(5, 5, "bgr24")
    assert FrameSize(4, 3).shape == (3, 4, 3) and FrameSize(4, 3, "gray").shape == (3, 4)


@pytest.mark.parametrize("size", [(160, 90), (80, 44), (48, 27), (107, 61)])
def test_smaller_frames_average_the_pixels_they_cover(clips: Clips, size: tuple[int, int]) -> None:
    with VideoReader(str(clips("plain.mp4", frames=10))) as reader:
        luma = reader.frames([4], size=FrameSize(320, 180, "gray"))[0]
        gray = reader.frames([4], size=FrameSize(*size, "gray"))[0]
        colour = reader.frames([4], size=FrameSize(*size))[0]
    expected = cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(gray - expected).mean() < 0.2
    # Colours of the pattern have hard edges that chroma at half size cannot follow; their luma can.
    assert np.abs(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY) - expected).mean() < 3.0


def test_larger_frames_are_interpolated(clips: Clips) -> None:
    with VideoReader(str(clips("plain.mp4", frames=10))) as reader:
        native = reader.frames([4])[0]
        large = reader.frames([4], size=FrameSize(640, 360))[0]
    back = cv2.resize(large, (320, 180), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - native).mean() < 4.0


def test_rotated_video_is_resized_as_displayed(zoo: Callable[[str], Path]) -> None:
    path = zoo("rotated-90.mp4")
    with VideoReader(str(path)) as reader:
        native = reader.frames([4], size=FrameSize(90, 160, "gray"))[0]
        small = reader.frames([4], size=FrameSize(45, 80, "gray"))[0]
    expected = cv2.resize(native, (45, 80), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 0.5


def test_one_pass_gives_each_size_as_if_it_were_alone(clips: Clips) -> None:
    sizes = {
        "shots": FrameSize(48, 27),
        "work": FrameSize(200, 112, "gray"),
        "source": FrameSize(320, 180),
    }
    with VideoReader(str(clips("plain.mp4", frames=10))) as reader:
        for frame in reader.stream(2, 8, sizes=sizes):
            assert list(frame.images) == list(sizes)
            for name, size in sizes.items():
                image = frame.images[name]
                assert image.dtype == np.uint8 and image.flags.c_contiguous
                np.testing.assert_array_equal(image, reader.frames([frame.index], size=size)[0])


def test_images_stay_the_same_after_the_pass_goes_on(clips: Clips) -> None:
    with VideoReader(str(clips("plain.mp4", frames=10))) as reader:
        kept = [frame.images["source"] for frame in reader.stream(0, 10)]
        np.testing.assert_array_equal(np.stack(kept), reader.frames(range(10)))


def test_no_frames_at_all(clips: Clips) -> None:
    with VideoReader(str(clips("plain.mp4", frames=10))) as reader:
        assert reader.frames([]).shape == (0, 180, 320, 3)
        assert list(reader.stream(4, 4)) == []


def test_numpy_integers_are_frame_numbers(clips: Clips) -> None:
    with VideoReader(str(clips("plain.mp4", frames=10))) as reader:
        np.testing.assert_array_equal(reader.frames(np.array([3, 1])), reader.frames([3, 1]))


_PASS = """
import re, sys
from pathlib import Path
from clipmill.video import FrameSize, VideoReader
with VideoReader(sys.argv[1]) as reader:
    sizes = {"native": FrameSize(1280, 720), "small": FrameSize(48, 27)}
    seen = []
    for frame in reader.stream(0, reader.index.num_frames, sizes=sizes):
        if frame.index in (20, 119):
            # Unlike ru_maxrss, which a process inherits from the one that started it.
            status = Path("/proc/self/status").read_text()
            seen.append(int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]))
print(seen[1] - seen[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_pass_holds_only_a_few_frames(clips: Clips) -> None:
    """A hundred frames of 720p are 276 MB; the peak may not grow by more than a few of them."""
    path = clips("long.mp4", frames=120, size=(1280, 720), extra=("-preset", "ultrafast"))
    done = subprocess.run(
        [sys.executable, "-c", _PASS, str(path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 30_000  # KiB


def test_urls_of_fsspec(clips: Clips) -> None:
    import fsspec

    path = clips("plain.mp4", frames=10)
    with fsspec.open("memory://videos/with space.mp4", "wb") as file:
        file.write(path.read_bytes())
    with VideoReader(str(path)) as local:
        expected = local.frames([9, 0, 5])
    for uri in ("memory://videos/with space.mp4", path.as_uri()):
        with VideoReader(uri, expected_size_bytes=path.stat().st_size) as reader:
            np.testing.assert_array_equal(reader.frames([9, 0, 5]), expected)


def test_a_closed_reader_says_so(clips: Clips) -> None:
    reader = VideoReader(str(clips("plain.mp4", frames=10)))
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.frames([0])
