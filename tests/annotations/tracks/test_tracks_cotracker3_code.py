"""CoTracker3's own code behind the backend, with random weights, over a real clip."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cotracker_code import cotracker_code
from moving_scenes import face, item_of, run, scene, true_rows
from plain_rows import still_camera

from clipmill.annotations.tracks.cotracker3 import HEIGHT, WIDTH, CoTracker3Tracks
from clipmill.store.codecs import decode_array, decode_tracks
from clipmill.weights import WeightsError, find_spec

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")

from clipmill.models.cotracker import Tracker, load_cotracker  # noqa: E402

CPU = torch.device("cpu")
MADE = scene(face(start=(120.0, 120.0), velocity=(2.0, 0.5)), length=52)
FRAMES = 3


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The code; what it imports is forgotten again, as other tests have trackers of their own."""
    torch.set_num_threads(1)
    yield cotracker_code(tmp_path_factory.mktemp("cotracker"))
    for name in [name for name in sys.modules if name.split(".")[0] == "cotracker"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def predictor(repo: Path) -> Any:
    torch.manual_seed(0)
    return load_cotracker(str(repo))


@pytest.fixture(scope="module")
def weights(predictor: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "scaled_offline.pth"
    torch.save(predictor.model.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def item(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = item_of(tmp_path_factory.mktemp("tracks") / "face.mp4", MADE)
    return replace(made, rows=dict(true_rows(made, MADE, anchor=0)) | {"camera": still_camera()})


@pytest.fixture(scope="module")
def video(item: Any) -> "torch.Tensor":
    """Frames of the clip as the backend hands them to the tracker: uint8 [T, 3, 384, 512]."""
    from clipmill.video import FrameSize

    with item.open() as reader:
        frames = reader.frames(range(FRAMES), size=FrameSize(WIDTH, HEIGHT))
    return torch.from_numpy(frames).permute(0, 3, 1, 2)


POINTS = torch.tensor([[100.5, 100.25], [200.0, 150.0], [310.75, 220.5]])


def queries(frame: int, points: "torch.Tensor") -> "torch.Tensor":
    return torch.cat([torch.full_like(points[:, :1], frame), points], dim=1)[None]


def test_the_network_has_the_size_of_the_published_file(weights: Path) -> None:
    published = find_spec("cotracker3").files[0].size_bytes
    assert published is not None
    # The same tensors in the same format: what differs is the name of the archive's folder.
    assert abs(weights.stat().st_size - published) < 0.001 * published


def test_a_key_that_is_missing_is_named(repo: Path, weights: Path, tmp_path: Path) -> None:
    stored = torch.load(weights, weights_only=True)
    key = next(iter(key for key in stored if key.startswith("fnet.")))
    wrong = tmp_path / "wrong.pth"
    torch.save({name: value for name, value in stored.items() if name != key}, wrong)
    config = CoTracker3Tracks.Config(repo=str(repo), weights=str(wrong), device="cpu")
    with pytest.raises(WeightsError, match=f"1 missing: {key}".replace(".", r"\.")):
        CoTracker3Tracks(config).setup()


def test_there_and_back_is_what_the_predictor_itself_says(
    predictor: Any, video: "torch.Tensor"
) -> None:
    looked: list[int] = []
    hook = predictor.model.fnet.register_forward_hook(lambda *_: looked.append(1))
    tracks, visible, home = Tracker(predictor, device=CPU).there_and_back(video, POINTS)
    assert len(looked) == 1  # the way back has the features of the way forth
    frames = video.float()[None]
    theirs, seen = predictor(frames, queries=queries(0, POINTS), backward_tracking=False)
    back, _ = predictor(frames.flip(1), queries=queries(0, theirs[0, -1]))
    hook.remove()
    assert len(looked) == 3
    assert tracks.shape == (FRAMES, 3, 2) and visible.dtype == torch.bool
    torch.testing.assert_close(tracks, theirs[0], rtol=0, atol=1e-3)
    assert torch.equal(visible, seen[0])
    torch.testing.assert_close(home, back[0, -1], rtol=0, atol=1e-3)
    # Queries come back as they were asked, between pixels; the random network moves them later.
    torch.testing.assert_close(tracks[0], POINTS, rtol=0, atol=1e-3)
    assert (tracks[1:] - POINTS).abs().amax() > 0.01


def test_the_published_way_back_differs_by_its_helping_points(
    predictor: Any, video: "torch.Tensor"
) -> None:
    """The published script asks with the whole video and `backward_tracking`.

    The predictor adds a grid of points that help; they then begin at the other end of the video.
    """
    _, _, home = Tracker(predictor, device=CPU).there_and_back(video, POINTS)
    frames = video.float()[None]
    there, _ = predictor(frames, queries=queries(0, POINTS), backward_tracking=True)
    asked = queries(FRAMES - 1, there[0, -1])
    back, _ = predictor(frames, queries=asked, backward_tracking=True)
    # Random attention hardly listens to the helping points; the way itself is 4 pixels long.
    assert (home - POINTS).norm(dim=1).min() > 1
    assert (home - back[0, 0]).norm(dim=1).max() < 0.1


def test_a_row_comes_out(item: Any, repo: Path, weights: Path) -> None:
    config = {"repo": str(repo), "weights": str(weights), "device": "cpu", "horizon": 1}
    row = run(CoTracker3Tracks, item, **config)
    (found,) = row.objects
    asked = decode_array(item.rows["objects"].anchors[0].objects[0].points)
    assert (found.num_frames, found.num_points) == (2, len(asked))
    tracks = decode_tracks(found.points)
    assert np.isfinite(tracks).all()
    assert np.abs(tracks[0] - asked).max() <= 1 / 16
    assert np.isfinite(decode_array(found.cycle_error)).all()
