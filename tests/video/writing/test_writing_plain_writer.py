"""Video files of the demo and of tests: the same frames give the same bytes."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clipmill.demo.scene import Camera, Scene, Shot, Sprite, render, write_video

_ENCODE = """
import sys
from pathlib import Path
import numpy as np
from clipmill.video.writing.plain_writer import write_video
write_video(Path(sys.argv[2]), np.load(sys.argv[1]), 25)
"""


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Return frames with motion of two kinds, uint8 [40, 90, 160, 3]."""
    sprite = Sprite(
        name="face", photo="astronaut", crop=(100, 0, 400, 300), size=(40, 40), start=(40, 45),
        velocity=(1.5, 0.2),
    )  # fmt: skip
    shot = Shot(
        num_frames=40, background="brick", background_scale=1.6, camera=Camera(pan=(2, 0)),
        sprites=(sprite,),
    )  # fmt: skip
    return np.stack(list(render(Scene(shots=(shot,), width=160, height=90))))


def test_encoding_twice_gives_the_same_bytes(tmp_path: Path, frames: np.ndarray) -> None:
    path, seen = tmp_path / "scene.mp4", set()
    for _ in range(24):
        write_video(path, frames, 25)
        seen.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(seen) == 1


def test_bytes_do_not_depend_on_what_memory_held_before(tmp_path: Path, frames: np.ndarray) -> None:
    """The C library fills memory with another value in each run: what is read unwritten shows."""
    np.save(tmp_path / "frames.npy", frames)
    written = []
    for value in (1, 85, 255):
        path = tmp_path / f"{value}.mp4"
        filled = {
            "MALLOC_PERTURB_": str(value),
            # Large blocks, too, come from the heap that is filled.
            "MALLOC_MMAP_THRESHOLD_": str(2**30),
            "MALLOC_TOP_PAD_": str(2**26),
        }
        subprocess.run(
            [sys.executable, "-c", _ENCODE, str(tmp_path / "frames.npy"), str(path)],
            env=os.environ | filled,
            check=True,
        )
        written.append(path.read_bytes())
    assert written[0] == written[1] == written[2]
