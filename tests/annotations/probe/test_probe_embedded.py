"""The probe row: facts and index of a whole file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from clipmill.annotations.base import ClipInput
from clipmill.annotations.probe.embedded import EmbeddedProbe
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.annotations.registry import find_backend
from clipmill.clips import Clip, Video, video_id_for
from clipmill.errors import ClipError, ClipTimeoutError
from clipmill.video import FrameIndex


def _item(path: Path, **options: object) -> ClipInput:
    video = Video(video_id_for(path.name), "", path.name, str(path), path.stat().st_size)
    return ClipInput(video, Clip(video.video_id, 0, 1), **options)  # type: ignore[arg-type]


def _probe(path: Path) -> ProbeRow:
    probe = EmbeddedProbe(EmbeddedProbe.Config())
    probe.setup()
    (row,) = probe.annotate([probe.load(_item(path))])
    return row


def test_the_registry_knows_it() -> None:
    assert find_backend("probe", "embedded") is EmbeddedProbe
    assert (EmbeddedProbe.level, EmbeddedProbe.unit_size, EmbeddedProbe.Row) == (
        "video",
        64,
        ProbeRow,
    )


def test_row_of_a_plain_file(zoo: Callable[[str], Path]) -> None:
    row = _probe(zoo("h264.ts"))
    assert (row.width, row.height, row.rotation) == (160, 90, 0)
    assert row.aspect_ratio == pytest.approx(160 / 90)
    assert (row.fps, row.num_frames, row.duration) == (25.0, 60, pytest.approx(2.4))
    assert (row.codec, row.pixel_format, row.container) == ("h264", "yuv420p", "mpegts")
    assert (row.num_video_streams, row.has_audio) == (1, True)
    assert (row.variable_rate, row.index_exact, row.index_note) == (False, True, "")
    assert FrameIndex.from_bytes(row.index).num_frames == 60


def test_row_of_a_misleading_file(zoo: Callable[[str], Path]) -> None:
    row = _probe(zoo("edit-list.mp4"))
    assert row.num_frames == 42 and not row.index_exact and "edit list" in row.index_note


def test_row_of_one_frame(zoo: Callable[[str], Path]) -> None:
    row = _probe(zoo("one-frame.mp4"))
    assert (row.num_frames, row.fps, row.duration) == (1, 0.0, 0.0)


def test_a_clip_reads_through_the_row(zoo: Callable[[str], Path]) -> None:
    path = zoo("h264-bframes.mp4")
    item = _item(path, probe=_probe(path))
    with item.open() as reader:
        got = [frame.images["source"] for frame in reader.stream(10, 20)]
        np.testing.assert_array_equal(np.stack(got), reader.frames(range(10, 20)))


def test_a_file_that_changed_fails_the_clip(tmp_path: Path, zoo: Callable[[str], Path]) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(zoo("h264-bframes.mp4").read_bytes())
    item = _item(path, probe=_probe(path))
    path.write_bytes(zoo("h264-baseline.mp4").read_bytes())
    with pytest.raises(ClipError) as caught:
        item.open()
    assert caught.value.kind == "changed"


def test_the_size_limit_is_a_setting(zoo: Callable[[str], Path]) -> None:
    probe = EmbeddedProbe(EmbeddedProbe.Config(max_pixels=100))
    with pytest.raises(ClipError, match="max_pixels"):
        probe.load(_item(zoo("h264-bframes.mp4")))


def test_the_deadline_holds_while_a_file_is_decoded(zoo: Callable[[str], Path]) -> None:
    def check() -> None:
        raise ClipTimeoutError("too long")

    with pytest.raises(ClipTimeoutError):
        EmbeddedProbe(EmbeddedProbe.Config()).load(_item(zoo("edit-list.mp4"), check=check))


def test_the_row_is_the_same_every_time(zoo: Callable[[str], Path]) -> None:
    assert _probe(zoo("hevc-open-gop.ts")) == _probe(zoo("hevc-open-gop.ts"))


def test_pictures_of_a_plain_file(zoo: Callable[[str], Path]) -> None:
    row = _probe(zoo("h264-bt709.mp4"))
    colours = (row.transfer, row.primaries, row.matrix, row.color_range, row.bit_depth)
    assert colours == ("bt709", "bt709", "bt709", "tv", 8)
    assert (row.stream_index, row.field_order, row.interlaced) == (0, "progressive", False)
    assert (row.sample_aspect, row.convertible, row.altered) == (1.0, True, False)


def test_pictures_of_a_file_that_is_converted(clips: Callable[..., Path]) -> None:
    path = clips(
        "odd-pictures.mp4",
        size=(360, 288),
        frames=5,
        filters="setsar=64/45",
        extra=("-flags", "+ilme+ildct", "-x264-params", "bff=1:colorprim=bt2020"),
    )
    row = _probe(path)
    assert (row.width, row.height) == (512, 288)
    assert row.aspect_ratio == pytest.approx(16 / 9)
    assert row.sample_aspect == pytest.approx(64 / 45)
    assert (row.field_order, row.interlaced, row.primaries) == ("bb", True, "bt2020")
    assert row.altered and FrameIndex.from_bytes(row.index).altered
