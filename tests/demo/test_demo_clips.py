"""The demo's files are what their list says."""

import json

import av
import numpy as np
import pytest

from clipmill.annotations.base import ClipInput
from clipmill.annotations.registry import find_backend
from clipmill.clips import Clip, Video
from clipmill.demo import clips, photos
from clipmill.demo.clips import build_demo, read_demo, read_truths
from clipmill.demo.scene import truth, visible_masks
from clipmill.demo.scenes import SCENES, DemoScene
from clipmill.demo.spec import Scene, Shot, Sprite
from clipmill.errors import ClipError, MissingExtraError

CUP = Sprite(
    name="cup", photo="coffee", crop=(75, 12, 482, 378), size=(60, 54), start=(60, 60),
    velocity=(2.0, 0.0),
)  # fmt: skip
SMALL = (
    DemoScene(
        name="one",
        what="a cup crosses",
        scene=Scene(
            shots=(Shot(num_frames=40, background="brick", sprites=(CUP,)),), width=192, height=108
        ),
        stage2=True,
    ),
    DemoScene(
        name="two",
        what="a cut",
        scene=Scene(
            shots=(
                Shot(num_frames=8, background="china"),
                Shot(num_frames=6, background="rocket"),
            ),
            width=192,
            height=108,
        ),
    ),
)


@pytest.fixture
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(clips, "SCENES", SMALL)
    return tmp_path / "demo data"


def probe(path):
    video = Video("0" * 16, "", path.name, str(path), path.stat().st_size)
    backend_class = find_backend("probe", "embedded")
    backend = backend_class(backend_class.Config())
    (row,) = backend.annotate([backend.load(ClipInput(video, Clip("0" * 16, 0, 1)))])
    return row


def test_every_file_is_listed_and_reads_as_it_should(small) -> None:
    told = []
    built = build_demo(small, on_clip=told.append)
    assert built == told
    assert {clip.name for clip in built} == {file.name for file in (small / "videos").iterdir()}
    for clip in built:
        path = small / "videos" / clip.name
        assert path.stat().st_size == clip.size_bytes
        if clip.basic == "unreadable":
            with pytest.raises(ClipError):
                probe(path)
        else:
            assert probe(path).num_frames > 0
    assert probe(small / "videos" / "one.mp4").num_frames == 40
    assert probe(small / "videos" / "broken_ends_early.mp4").num_frames < 40
    real = probe(small / "videos" / "big_buck_bunny.mp4")
    assert (real.width, real.height, real.num_frames) == (1280, 720, 132)


def test_truth_lies_outside_of_the_videos(small) -> None:
    build_demo(small)
    truths = read_truths(small)
    assert set(truths) == {"one.mp4", "two.mp4"}
    assert truths["one.mp4"] == truth(SMALL[0].scene)
    assert truths["two.mp4"].cuts == (8,)
    assert not list((small / "videos").glob("*.json"))


def test_a_complete_folder_is_left_alone_and_a_spoilt_one_built_again(small, monkeypatch) -> None:
    built = build_demo(small)
    before = {file: file.stat().st_mtime_ns for file in small.rglob("*.*")}
    assert build_demo(small) == built == read_demo(small)
    assert {file: file.stat().st_mtime_ns for file in small.rglob("*.*")} == before
    (small / "videos" / "mine.txt").write_text("kept")
    one = small / "videos" / "one.mp4"
    data = one.read_bytes()
    one.write_bytes(data[:100])
    assert read_demo(small) is None
    assert build_demo(small) == built
    assert one.read_bytes() == data
    assert (small / "videos" / "mine.txt").read_text() == "kept"
    monkeypatch.setattr(clips, "VERSION", 99)
    assert read_demo(small) is None
    build_demo(small)
    assert json.loads((small / "truth" / "clips.json").read_bytes())["version"] == 99


def test_the_audio_file_holds_sound_and_no_picture(small) -> None:
    build_demo(small)
    with av.open(str(small / "videos" / "broken_audio_only.mp4")) as container:
        assert len(container.streams.video) == 0
        assert sum(frame.samples for frame in container.decode(audio=0)) > 3 * 44100


def test_a_missing_package_is_told_with_its_extra_before_any_work(small, monkeypatch) -> None:
    def absent(_name):
        raise photos.PackageNotFoundError

    monkeypatch.setattr(photos, "distribution", absent)
    with pytest.raises(MissingExtraError, match=r"clipmill\[demo\]"):
        build_demo(small)
    assert not list(small.rglob("*.mp4"))


@pytest.mark.parametrize("demo", SCENES, ids=lambda demo: demo.name)
def test_the_scenes_pass_the_basic_selection_or_say_why_not(demo) -> None:
    scene = demo.scene
    assert (scene.width / scene.height < 1.25) == (demo.basic == "aspect_ratio")
    if demo.basic != "aspect_ratio":
        assert (scene.width < 400) == (demo.basic == "resolution")
    assert scene.shots[0].num_frames > 100
    names = [sprite.name for sprite in scene.shots[0].sprites]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("demo", [d for d in SCENES if d.stage2], ids=lambda demo: demo.name)
def test_stage_2_scenes_leave_room_for_a_region(demo) -> None:
    scene = demo.scene
    for mask in visible_masks(scene, 0, occlusion=False):
        columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
        box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        assert (box[2] - box[0]) * (box[3] - box[1]) / mask.size >= 0.105
        # A 4:3 region of the least height, 0.65 of the frame, beside the object and its margin.
        free = max(box[0], scene.width - box[2]) - 15
        assert free >= 0.65 * scene.height * 4 / 3
    assert scene.shots[0].num_frames >= 97
    path = truth(scene).sprites[0]
    assert abs(path.centres[scene.shots[0].num_frames - 1][0] - path.centres[0][0]) > 300
    assert min(path.shares) > 0.95


def test_entries_exits_and_stage_2_of_the_real_demo() -> None:
    facts = {d.name: truth(d.scene) for d in SCENES if d.name in ("leaving", "entering")}
    assert facts["leaving"].sprite("pilot").exit_frame in range(90, 125)
    assert facts["entering"].sprite("cup").enter_frame in range(20, 45)
    assert facts["entering"].sprite("cup").shares[52] > 0.5
    assert sum(demo.stage2 for demo in SCENES) >= 4
