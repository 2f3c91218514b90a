"""Every bad file ends as a clear reason, and no neighbour is lost."""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from pipelines import look, pipeline_on, run, states

from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.run import Observer
from clipmill.store.workspace import Workspace
from media import ffmpeg, make_clip

SIZE = (480, 320)
FRAMES = 105


def clip(path: Path, **options) -> Path:
    # The name goes into the file: two with the same content would be one video.
    named = ("-metadata", f"comment={path.name}")
    return make_clip(path, **({"size": SIZE, "frames": FRAMES, "extra": named} | options))


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> dict[str, tuple[str, str]]:
    """One run over a folder of good and bad files; path -> (state, reason)."""
    root = tmp_path_factory.mktemp("bad")
    folder = root / "videos"
    good = clip(folder / "good.mp4")
    (folder / "zero.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video\n" * 100)
    data = good.read_bytes()
    late_index = clip(root / "late.mkv")
    (folder / "cut.mkv").write_bytes(late_index.read_bytes()[: late_index.stat().st_size // 2])
    (folder / "cut.mp4").write_bytes(data[: len(data) // 2])
    ffmpeg("-f", "lavfi", "-i", "sine=duration=3", "-c:a", "aac", folder / "audio.mp4")
    clip(folder / "one.mp4", frames=1)
    clip(root / "small.mp4", size=(320, 180))
    both = ("-map", "0:v", "-map", "1:v", "-c", "copy")
    ffmpeg("-i", good, "-i", root / "small.mp4", *both, folder / "two.mp4")
    clip(folder / "vfr.mkv", filters="setpts='PTS+0.01*mod(N,3)/TB'", extra=("-vsync", "vfr"))
    turned = ("-metadata:s:v:0", "rotate=90", "-c", "copy")
    ffmpeg("-i", good, *turned, folder / "turned.mp4")
    clip(folder / "odd.mkv", size=(481, 321), pixel_format="yuv444p")
    clip(folder / "portrait.mp4", size=(320, 480))
    clip(folder / "slow.mp4", fps=10)
    clip(folder / "with space 'quote\" new\nline видео.mp4")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "same.mp4").symlink_to(good)
    pipeline = pipeline_on(folder)
    summary = run(pipeline, root / "ws")
    listing = VideoList.load(Workspace.open(root / "ws"))
    again = look(pipeline, root / "ws")
    found = states(summary.reports, listing)
    assert states(again.values(), listing) == found
    return found


@pytest.mark.parametrize(
    "name",
    [
        "good.mp4",
        "two.mp4",
        "vfr.mkv",
        "odd.mkv",
        "with space 'quote\" new\nline видео.mp4",
    ],
)
def test_good_files_are_kept(ended, name):
    assert ended[name] == ("kept", "")


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("zero.mp4", "failed", "decode"),
        ("text.mp4", "failed", "decode"),
        ("cut.mp4", "failed", "decode"),
        ("audio.mp4", "failed", "video"),
        ("cut.mkv", "dropped", "too_few_frames"),
        ("one.mp4", "dropped", ""),
        ("turned.mp4", "dropped", "aspect_ratio"),
        ("portrait.mp4", "dropped", "aspect_ratio"),
        ("slow.mp4", "dropped", "fps"),
        ("same.mp4", "dropped", "same file as good.mp4"),
    ],
)
def test_bad_files_are_out_with_a_reason(ended, name, state, reason):
    assert ended[name][0] == state, ended[name]
    assert reason in ended[name][1]


def test_nothing_vanishes_and_nothing_is_invented(ended):
    assert len(ended) == 15


def test_a_file_deleted_between_two_steps_fails_alone(tmp_path):
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        clip(tmp_path / "videos" / name)

    class Thief(Observer):
        def step_done(self, report):
            if report.title == "window split":
                (tmp_path / "videos" / "b.mp4").unlink()

    pipeline = pipeline_on(tmp_path / "videos")
    summary = run(pipeline, tmp_path / "ws", observer=Thief())
    ended = states(summary.reports, VideoList.load(Workspace.open(tmp_path / "ws")))
    assert ended["b.mp4"][0] == "failed"
    assert ended["b.mp4"][1].startswith("missing:")
    assert ended["a.mp4"] == ended["c.mp4"] == ("kept", "")


def test_a_file_that_changed_after_probing_fails_alone(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        clip(tmp_path / "videos" / name)

    class Editor(Observer):
        def step_done(self, report):
            if report.title == "probe":
                clip(tmp_path / "videos" / "b.mp4", frames=FRAMES + 20)

    summary = run(pipeline_on(tmp_path / "videos"), tmp_path / "ws", observer=Editor())
    ended = states(summary.reports, VideoList.load(Workspace.open(tmp_path / "ws")))
    assert ended["b.mp4"][1].startswith("changed:")
    assert ended["a.mp4"] == ("kept", "")


@pytest.fixture
def open_folder():
    """A folder that every user may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="clipmill-test-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@contextlib.contextmanager
def as_ordinary_user():
    """Root may read everything, so it becomes nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_permission_fails_alone(open_folder):
    clip(open_folder / "videos" / "a.mp4")
    clip(open_folder / "videos" / "b.mp4").chmod(0)
    pipeline = pipeline_on(open_folder / "videos")
    run(pipeline, open_folder / "first")  # everything that is imported late is imported now
    with as_ordinary_user():
        summary = run(pipeline, open_folder / "second")
    ended = states(summary.reports, VideoList.load(Workspace.open(open_folder / "second")))
    assert ended["b.mp4"][1].startswith("missing:")
    assert ended["a.mp4"] == ("kept", "")
