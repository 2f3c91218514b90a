"""What the machine cannot read now is told from what is wrong with a file."""

import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import av.error
import pytest

from clipmill.video.access.machine import blamed_on_machine, damage_passed_over
from clipmill.video.errors import VideoError, VideoMissingError, VideoUnreachableError, translated
from media import make_clip


def _kind(uri: str, act) -> str:
    with pytest.raises(VideoError) as caught, translated(uri):
        act()
    return caught.value.kind


def test_errors_of_the_system(tmp_path):
    def read(path: str):
        return lambda: Path(path).open("rb").read(1)

    (tmp_path / "v.mp4").touch()
    gone = tmp_path / "gone" / "v.mp4"
    assert _kind(str(tmp_path / "v.mp4"), read("/proc/self/mem")) == "disk"
    assert _kind(str(gone), read(str(gone))) == "mount"
    assert _kind(str(tmp_path / "w.mp4"), read(str(tmp_path / "w.mp4"))) == "missing"
    (tmp_path / "v.mp4").unlink()
    assert _kind(str(tmp_path / "v.mp4"), read(str(tmp_path / "v.mp4"))) == "mount"
    assert issubclass(VideoUnreachableError, VideoMissingError)


def test_what_libav_says_is_checked(tmp_path):
    video = make_clip(tmp_path / "v.mp4", size=(32, 32), frames=3)
    for number in (5, 12):  # EIO and ENOMEM, of a file that can be read by a machine with memory
        with pytest.raises(av.error.FFmpegError) as caught:
            av.error.err_check(-number)
        assert blamed_on_machine(caught.value, str(video)) == ""
        with damage_passed_over(str(video)):
            raise caught.value
        assert _kind(str(video), partial(av.error.err_check, -number)) == "decode"
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(-5)
    assert blamed_on_machine(caught.value, "/proc/self/mem") == "disk"
    with pytest.raises(av.error.FFmpegError), damage_passed_over("/proc/self/mem"):
        raise caught.value


@pytest.mark.parametrize("limited", [False, True])
def test_a_damaged_file_gets_its_verdict_only_with_memory(tmp_path, limited):
    (tmp_path / "v.mp4").write_bytes(b"no video at all")
    program = """
import resource, sys
from clipmill.video import VideoReader, VideoError
try:
    VideoReader(sys.argv[1])
except VideoError as error:
    print(error.kind)
"""

    def limit() -> None:
        if limited:
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))

    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "v.mp4")],
        preexec_fn=limit,
        env={"OPENBLAS_NUM_THREADS": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.strip() == ("memory" if limited else "decode"), ended.stderr
