"""The backend on rendered clips: right frames, text seen, nothing printed or fetched."""

import socket
from pathlib import Path

import numpy as np
import pytest
from clip_inputs import probed

from clipmill.annotations.base import ClipInput
from clipmill.annotations.quality.embedded import EmbeddedQuality, sampled_frames
from clipmill.annotations.quality.measures.text import polygon_area
from clipmill.annotations.quality.schema import QualityRow
from clipmill.demo.scene import Scene, Shot, render, write_video
from clipmill.store.records import from_dict, to_dict


@pytest.fixture(scope="module")
def backend() -> EmbeddedQuality:
    backend = EmbeddedQuality(EmbeddedQuality.Config(text_long_side=480))
    backend.setup()
    return backend


def measure(backend: EmbeddedQuality, item: ClipInput) -> QualityRow:
    (row,) = backend.annotate([backend.load(item)])
    return row


def write_scene(path: Path, **settings) -> Path:
    shot = Shot(num_frames=12, background="motorcycle")
    write_video(path, render(Scene(shots=(shot,), width=480, height=270, **settings)), 25)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory, backend) -> QualityRow:
    return measure(backend, probed(write_scene(tmp_path_factory.mktemp("q") / "plain.mp4")))


def test_text_is_found_where_there_is_text(tmp_path, backend, plain) -> None:
    path = write_scene(tmp_path / "text.mp4", text="burned-in subtitle\nof two lines")
    row = measure(backend, probed(path))
    assert row.num_text_boxes >= 2
    assert 0.05 < row.text_area < 0.4
    assert plain.text_area < row.text_area / 5


def test_degradations_show_in_their_own_measure(tmp_path, backend, plain) -> None:
    blurred = measure(backend, probed(write_scene(tmp_path / "blur.mp4", blur=4.0)))
    noisy = measure(backend, probed(write_scene(tmp_path / "noise.mp4", noise=12.0)))
    dark = measure(backend, probed(write_scene(tmp_path / "dark.mp4", gain=0.25)))
    assert blurred.clarity < plain.clarity / 10
    assert noisy.noise > plain.noise * 1.5
    assert dark.exposure == pytest.approx(plain.exposure / 4, rel=0.1)
    assert dark.contrast < plain.contrast / 3


def test_black_frames_give_finite_values(tmp_path, backend) -> None:
    write_video(tmp_path / "black.mp4", [np.zeros((90, 160, 3), np.uint8)] * 4, 25)
    row = measure(backend, probed(tmp_path / "black.mp4"))
    assert row.text_area == row.num_text_boxes == row.clarity == row.entropy == 0
    assert all(np.isfinite(v) for v in to_dict(row).values() if isinstance(v, float))


def test_frames_count_from_the_clip_and_clarity_is_of_the_first(tmp_path, backend) -> None:
    flat, sharp = np.full((90, 160, 3), 90, np.uint8), np.zeros((90, 160, 3), np.uint8)
    sharp[:, ::8] = 255
    write_video(tmp_path / "two.mp4", [sharp] * 10 + [flat] * 30, 25, crf=10)
    early = measure(backend, probed(tmp_path / "two.mp4", 0, 40))
    late = measure(backend, probed(tmp_path / "two.mp4", 12, 40))
    assert early.frames == (0, 20, 38)
    assert late.frames == (0, 14, 26)
    assert early.clarity > 1000
    assert late.clarity < 1


def test_sampled_frames_of_short_clips() -> None:
    assert sampled_frames(1) == (0, 0, 0)
    assert sampled_frames(2) == (0, 1, 1)
    assert sampled_frames(200) == (0, 100, 190)


def test_learned_scores_are_left_empty_and_the_row_survives_storage(plain) -> None:
    assert plain.image_quality is plain.aesthetic is plain.complexity is None
    assert from_dict(QualityRow, to_dict(plain)) == plain


def test_nothing_is_printed_or_fetched(monkeypatch, capfd, tmp_path) -> None:
    def refuse(*_args, **_kwargs):
        raise AssertionError("tried to open a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    backend = EmbeddedQuality(EmbeddedQuality.Config(text_long_side=320))
    backend.setup()
    item = probed(write_scene(tmp_path / "clip.mp4"))
    assert measure(backend, item) == measure(backend, item)
    assert capfd.readouterr() == ("", "")
    assert len(EmbeddedQuality.identity(backend.config)["detection_sha256"]) == 64


def test_polygon_area() -> None:
    assert polygon_area(np.array([[0, 0], [4, 0], [4, 3], [0, 3]])) == 12
    assert polygon_area(np.array([[0, 0], [0, 3], [4, 0]])) == 6


def test_gravel_bricks_and_blur_are_no_text(tmp_path, backend) -> None:
    # The detector alone covers a fifth of these frames, and all of the blurred one.
    for photo, settings in (("gravel", {}), ("brick", {}), ("motorcycle", {"blur": 4.0})):
        shot = Shot(num_frames=3, background=photo)
        path = tmp_path / f"{photo}.mp4"
        write_video(path, render(Scene(shots=(shot,), width=480, height=270, **settings)), 25)
        assert measure(backend, probed(path)).text_area == 0
