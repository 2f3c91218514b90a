"""The backend on rendered clips: right frames, text seen, nothing printed or fetched."""

import socket
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from clip_inputs import probed
from PIL import Image, ImageDraw, ImageFont

from clipmill.annotations.base import ClipInput
from clipmill.annotations.quality.embedded import EmbeddedQuality, sampled_frames
from clipmill.annotations.quality.measures.text import polygon_area
from clipmill.annotations.quality.schema import QualityRow
from clipmill.demo.scene import Scene, Shot, render, write_video
from clipmill.store.codecs import decode_array
from clipmill.store.records import from_dict, schema_of, to_dict


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


def write_lettered(path: Path, *, since: int, frames: int) -> tuple[int, int, int, int]:
    """Write a photo of 720 x 406 on which words stand from a frame on; return their box."""
    shot = Shot(num_frames=1, background="motorcycle")
    (photo,) = render(Scene(shots=(shot,), width=720, height=406))
    picture = Image.fromarray(photo)
    pen, words = ImageDraw.Draw(picture), "Departure 12:45"
    style = {"font": ImageFont.load_default(44), "stroke_width": 4}
    pen.text((300, 60), words, fill="white", stroke_fill="black", **style)
    left, top, right, bottom = pen.textbbox((300, 60), words, **style)
    write_video(path, [photo] * since + [np.asarray(picture)] * (frames - since), 25, crf=18)
    return left, top, right, bottom


def test_boxes_lie_where_the_text_was_put_in_frames_of_the_clip(tmp_path, backend) -> None:
    put = write_lettered(tmp_path / "words.mp4", since=12, frames=30)
    row = measure(backend, probed(tmp_path / "words.mp4", 4, 30))
    assert row.frames == (0, 13, 24)
    assert [entry.index for entry in row.text_boxes] == [13, 24]
    for entry in row.text_boxes:
        corners = decode_array(entry.corners)
        assert corners.dtype == np.int32
        assert corners.shape[1:] == (4, 2)
        lows, highs = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
        assert overlap((*lows, *highs), put) > 0.7
    areas = [sum(map(polygon_area, decode_array(e.corners))) for e in row.text_boxes]
    assert sum(areas) / 3 / (720 * 406) == pytest.approx(row.text_area, rel=0.03)


def overlap(one, other) -> float:
    """Return the intersection over the union of two boxes x0, y0, x1, y1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    inside = max(0, width) * max(0, height)
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, other)]
    return inside / (sum(areas) - inside)


def test_rows_with_boxes_survive_storage_and_older_rows_are_read(tmp_path, backend) -> None:
    write_lettered(tmp_path / "words.mp4", since=0, frames=1)
    row = measure(backend, probed(tmp_path / "words.mp4"))
    assert row.frames == (0, 0, 0)
    assert len(row.text_boxes) == 1  # a frame that was looked at three times is told once
    schema = schema_of(QualityRow)
    table = pa.Table.from_pylist([to_dict(row)], schema)
    assert from_dict(QualityRow, table.to_pylist()[0]) == row
    older = table.drop_columns(["text_boxes"]).to_pylist()[0]
    found = from_dict(QualityRow, older)
    assert found.text_boxes is None
    assert found.text_area == row.text_area


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
    assert row.text_boxes == ()
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
