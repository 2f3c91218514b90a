"""Damage, letterbox bars and repeated frames, found on the way to the shots."""

import random
from pathlib import Path

import numpy as np
import pytest
from clip_inputs import probed
from pipelines import run

from clipmill.annotations.registry import find_backend
from clipmill.annotations.shots.frames.pictures import PictureChecks
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.clips import Clip
from clipmill.config import SourceConfig, load_profile
from clipmill.inspection.subjects import find_subjects
from clipmill.inspection.why import describe_decision, trace
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.store.workspace import Workspace
from media import ffmpeg, make_clip


def _row(path: Path, start: int = 0, end: int | None = None) -> ShotsRow:
    item = probed(path, start, end)
    shots = find_backend("shots", "embedded")
    backend = shots(shots.Config())
    (row,) = backend.annotate([backend.load(item)])
    return row


def _damaged(path: Path, out: Path) -> Path:
    """Change 48 bytes in 12 places of the second half."""
    data, dice = bytearray(path.read_bytes()), random.Random(3)
    start = data.find(b"mdat")
    for number in range(12):
        at = start + int((len(data) - start) * (0.5 + 0.02 * number))
        data[at : at + 4] = dice.randbytes(4)
    out.write_bytes(data)
    return out


def _planes(path: Path, count: int) -> np.ndarray:
    """What ffmpeg decodes, damage or not: uint8 [T, ...]."""
    raw = ffmpeg("-i", path, "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "gray", "-")
    return np.frombuffer(raw, np.uint8).reshape(count, -1)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("damage") / "sound.mp4"
    return make_clip(path, size=(480, 320), frames=130, gop=30, extra=("-crf", "12"))


def test_damaged_pictures_are_counted_and_the_first_is_named(sound: Path, tmp_path: Path) -> None:
    path = _damaged(sound, tmp_path / "bad.mp4")
    row = _row(path)
    assert row.num_decoded == 130 and row.damaged_frames and row.first_damaged is not None
    changed = np.flatnonzero((_planes(path, 130) != _planes(sound, 130)).any(1))
    assert 0 <= row.first_damaged - changed[0] <= 3
    # A part is judged by its own frames, and frames are those of the video.
    assert _row(path, 0, row.first_damaged).first_damaged is None
    later = _row(path, row.first_damaged, 130)
    assert (later.first_damaged, later.damaged_frames) == (row.first_damaged, row.damaged_frames)


def test_a_sound_file_has_no_damage_wherever_reading_begins(sound: Path) -> None:
    for start in (0, 17, 61):
        row = _row(sound, start, 120)
        assert (row.damaged_frames, row.first_damaged) == (0, None)


def test_missing_frames_are_damage(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", codec="av1", frames=60, gop=30)
    data = bytearray(path.read_bytes())
    at = data.find(b"mdat") + (len(data) - data.find(b"mdat")) // 2
    data[at : at + 400] = random.Random(1).randbytes(400)
    path.write_bytes(data)
    row = _row(path)
    assert row.num_decoded < 60
    assert row.damaged_frames == 60 - row.num_decoded
    assert row.first_damaged == row.num_decoded


@pytest.mark.parametrize(
    ("filters", "share"),
    [
        ("null", 0.0),
        ("scale=320:136,pad=320:180:0:22", 44 / 180),
        ("scale=240:180,pad=320:180:40:0", 0.25),
        ("scale=240:136,pad=320:180:40:22", 1 - 240 * 136 / (320 * 180)),
    ],
)
def test_letterbox_share(tmp_path: Path, filters: str, share: float) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=12, filters=filters)
    assert _row(path).letterbox == pytest.approx(share, abs=0.03)


def test_bars_are_those_that_all_frames_have_and_black_frames_say_nothing(tmp_path: Path) -> None:
    bars = "drawbox=h=30:color=black:t=fill:enable='lt(n,10)'"
    assert _row(make_clip(tmp_path / "a.mp4", frames=20, filters=bars)).letterbox == 0
    bars = "drawbox=h=30:color=black:t=fill,drawbox=color=black:t=fill:enable='lt(n,5)'"
    path = make_clip(tmp_path / "b.mp4", frames=20, filters=bars)
    assert _row(path).letterbox == pytest.approx(1 / 6, abs=0.03)


@pytest.mark.parametrize(
    ("filters", "share"),
    [("null", 0.0), ("fps=12.5,fps=25", 0.5), ("fps=20,fps=25", 0.2), ("fps=1,fps=25", 1.0)],
)
def test_share_of_repeated_frames(tmp_path: Path, filters: str, share: float) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=24, filters=filters)
    assert _row(path).repeated_frames == pytest.approx(share, abs=0.06)


def test_no_frame_at_all_is_all_missing() -> None:
    shares = PictureChecks(Clip("0" * 16, 100, 140)).shares()
    assert (shares.damaged_frames, shares.first_damaged) == (40, 100)
    assert (shares.letterbox, shares.repeated_frames) == (0, 0)


@pytest.mark.parametrize("name", ["cpu", "embedded", "frameino"])
def test_profiles_drop_damage_before_they_cut_shots(name: str) -> None:
    titles = [step.title for step in load_profile(name).steps]
    assert titles.index("shots") + 1 == titles.index("damage selection")
    assert titles.index("damage selection") + 1 == titles.index("shot split")


def test_the_reason_names_the_frame(sound: Path, tmp_path: Path) -> None:
    _damaged(sound, tmp_path / "bad.mp4")
    (tmp_path / "good.mp4").write_bytes(sound.read_bytes())
    first = _row(tmp_path / "bad.mp4").first_damaged
    profile = load_profile("embedded")
    until = [step.title for step in profile.steps].index("shot split") + 1
    source = SourceConfig(path=str(tmp_path))
    steps = {"steps": profile.steps[:until], "sources": (source,)}
    summary = run(profile.model_copy(update=steps), tmp_path / "ws")
    report = {report.title: report for report in summary.reports}["damage selection"]
    assert (report.entering, report.leaving, report.dropped) == (2, 1, 1)
    listing = VideoList.load(Workspace.open(tmp_path / "ws"))
    assert listing is not None
    (subject,) = find_subjects(listing.names(), "bad.mp4")
    last = list(trace(subject, summary.reports))[-1]
    assert describe_decision(last) == f"damaged from frame: {first} (cut 0)"
