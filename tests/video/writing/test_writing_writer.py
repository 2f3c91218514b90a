"""Writing videos: counts, times, colours, the same bytes every time."""

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from clipmill.video import VideoReader, index_video, packet_times
from clipmill.video.writing.writer import VideoWriter

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (200, 30, 120), (127, 127, 127))


def bars() -> np.ndarray:
    return np.repeat(np.repeat(np.array([COLOURS], np.uint8), 64, axis=1), 96, axis=0)


@pytest.mark.parametrize("fps", [Fraction(16), Fraction(30000, 1001), Fraction(24000, 1001)])
def test_frames_stand_at_their_times(tmp_path, fps):
    with VideoWriter(tmp_path / "a.mp4", size=(384, 96), fps=fps, gop=10) as writer:
        for _ in range(25):
            writer.add(bars())
    _, index = index_video(str(tmp_path / "a.mp4"))
    assert index.num_frames == writer.num_frames == 25
    assert index.rate == fps and index.exact
    pts, keyframes = packet_times(str(tmp_path / "a.mp4"))
    assert pts.tolist() == index.pts.tolist()
    assert keyframes.tolist() == index.keyframes.tolist()
    assert np.flatnonzero(index.keyframes).tolist() == [0, 10, 20]
    assert np.allclose(index.seconds, np.arange(25) / float(fps), atol=1e-4)


@pytest.mark.parametrize(("lossless", "off"), [(False, 3), (True, 0)])
def test_colours_come_back(tmp_path, lossless, off):
    path = tmp_path / "a.mp4"
    with VideoWriter(path, size=(384, 96), fps=Fraction(10), crf=8, lossless=lossless) as writer:
        writer.add(bars())
    with VideoReader(str(path)) as reader:
        picture = reader.frames([0])[0].astype(int)
    found = picture[48, 32::64]
    assert np.abs(found - np.array(COLOURS)).max() <= off


_WRITE = """
import sys
from fractions import Fraction
from pathlib import Path
from clipmill.demo.scene import Camera, Scene, Shot, Sprite, render
from clipmill.video.writing.writer import VideoWriter
sprite = Sprite(
    name="face", photo="astronaut", crop=(100, 0, 400, 300), size=(40, 40), start=(40, 45),
    velocity=(1.5, 0.2),
)
shot = Shot(
    num_frames=60, background="brick", background_scale=1.6, camera=Camera(pan=(2, 0)),
    sprites=(sprite,),
)
with VideoWriter(Path(sys.argv[1]), size=(160, 90), fps=Fraction(25)) as writer:
    for image in render(Scene(shots=(shot,), width=160, height=90)):
        writer.add(image)
"""


def test_bytes_do_not_depend_on_what_memory_held_before(tmp_path):
    """The C library fills memory with another value in each run: what is read unwritten shows."""
    found = set()
    for value in (1, 85, 255):
        filled = {
            "MALLOC_PERTURB_": str(value),
            "MALLOC_MMAP_THRESHOLD_": str(2**30),
            "MALLOC_TOP_PAD_": str(2**26),
        }
        path = tmp_path / f"{value}.mp4"
        command = [sys.executable, "-c", _WRITE, str(path)]
        subprocess.run(command, env=os.environ | filled, check=True)
        found.add(path.read_bytes())
    assert len(found) == 1


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ValueError, match="even sides"):
        VideoWriter(tmp_path / "a.mp4", size=(95, 64), fps=Fraction(24))
    with (
        pytest.raises(ValueError, match="a frame of shape"),
        VideoWriter(tmp_path / "b.mp4", size=(96, 64), fps=Fraction(24)) as writer,
    ):
        writer.add(bars())
