"""What an export says of its pictures holds: BT.709 and square pixels, or a copy that is named."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from export_samples import Disc, disc_sample
from pipelines import pipeline_on, run

from clipmill.clips import Clip
from clipmill.export.containers.tree import FolderContainer
from clipmill.export.containers.webdataset import WebDatasetContainer
from clipmill.export.content.profile import FrameProfile
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.formats.frameino.source_videos import export_frameino
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.manifest.entries import SampleEntry
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.samples.schema import SampleRow
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace
from clipmill.video import VideoReader, index_video
from media import ffmpeg

DISC = Disc(320, 180, num_frames=12)
BT709 = "transfer bt709, primaries bt709, matrix bt709, range tv"

_PQ = (
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020,"
    "zscale=t=smpte2084:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
)
_X265 = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:log-level=none"


def _as_pq(source: Path, out: Path) -> None:
    encoder = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "6", "-x265-params", _X265)
    ffmpeg("-i", source, "-vf", _PQ, *encoder, out)


def _as_anamorphic(source: Path, out: Path) -> None:
    ffmpeg("-i", source, "-vf", "scale=224:180,setsar=10/7", "-c:v", "libx264", "-crf", "8", out)


def _as_fields(source: Path, out: Path) -> None:
    fields = ("-flags", "+ilme+ildct", "-x264-params", "tff=1")
    ffmpeg("-i", source, "-c:v", "libx264", "-crf", "8", *fields, out)


def _as_second_stream(source: Path, out: Path) -> None:
    gray = ("-f", "lavfi", "-i", "color=gray:s=160x120:r=30000/1001:d=0.4")
    ffmpeg(
        *("-i", source, *gray, "-map", "1:v", "-map", "0:v", "-c:v", "libx264", "-crf", "8"),
        *("-disposition:v:0", "0", "-disposition:v:1", "default", out),
    )


CHANGED = {
    "pq": _as_pq,
    "anamorphic": _as_anamorphic,
    "fields": _as_fields,
    "second": _as_second_stream,
}


def _probed(folder: Path, row: SampleRow) -> Workspace:
    """A workspace in which the videos of a folder were probed; its sample is of the first."""
    run(pipeline_on(folder, "name: p\nsteps:\n  - annotate: probe\n"), folder / "ws")
    workspace = Workspace.open(folder / "ws")
    listing = VideoList.load(workspace)
    assert listing is not None
    (video,) = listing.videos
    clip = Clip(video.video_id, row.start, row.end)
    row = replace(row, video_id=video.video_id, clip_id=clip.clip_id, uri=video.uri)
    table = pa.Table.from_pylist([to_dict(row)], schema=schema_of(SampleRow))
    workspace.write_table("samples/training/part-00000.parquet", table)
    return workspace


def _plan(container: type = FolderContainer) -> ExportPlan:
    return ExportPlan(Canonical(FormatOptions()), container, profile=FrameProfile())


def _frames(path: Path) -> np.ndarray:
    with VideoReader(str(path)) as reader:
        return reader.frames(range(DISC.num_frames)).astype(np.int16)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleRow]:
    path = tmp_path_factory.mktemp("plain") / "disc.mp4"
    return path, disc_sample(DISC, path)[0]


@pytest.mark.parametrize("kind", CHANGED)
def test_what_reading_changes_is_never_copied(
    plain: tuple[Path, SampleRow], tmp_path: Path, kind: str
) -> None:
    source, row = plain
    CHANGED[kind](source, tmp_path / "disc.mp4")
    workspace, out = _probed(tmp_path, row), tmp_path / "out"
    report = run_export(workspace, out, _plan())
    assert (report.samples, report.copied) == (1, {})
    (video,) = out.rglob("*.mp4")
    info, index = index_video(str(video))
    assert (info.width, info.height, index.num_frames) == (320, 180, DISC.num_frames)
    assert info.picture.colours == BT709
    assert info.picture.sample_aspect in (0, 1) and not info.picture.altered
    assert np.abs(_frames(video) - _frames(source)).mean() < 5
    text = (out / "CONVENTIONS.md").read_text()
    assert "are in BT.709, limited range, with square pixels" in text
    assert "copies of their source" not in text


@pytest.mark.parametrize("container", [FolderContainer, WebDatasetContainer])
def test_copies_are_named_with_the_colours_of_their_file(
    plain: tuple[Path, SampleRow], tmp_path: Path, container: type
) -> None:
    source, row = plain
    shutil.copy(source, tmp_path / "disc.mp4")
    out = tmp_path / "out"
    report = run_export(_probed(tmp_path, row), out, _plan(container))
    assert report.copied == {BT709: 1}
    entry = SampleEntry.from_line((out / "manifest.jsonl").read_text())
    assert [file.colours for file in entry.pieces[0].files if file.colours] == [BT709]
    text = (out / "CONVENTIONS.md").read_text()
    assert "- 1 videos are copies of their source" in text and f"  - 1 x {BT709}" in text


def test_a_copy_that_names_no_colours_says_so(
    plain: tuple[Path, SampleRow], tmp_path: Path
) -> None:
    source, row = plain
    bare = ("-color_primaries", "unknown", "-color_trc", "unknown", "-colorspace", "unknown")
    encoder = ("-c:v", "libx264", "-crf", "8", "-color_range", "unknown")
    ffmpeg("-i", source, "-vf", "setparams=colorspace=unknown", *encoder, *bare, tmp_path / "a.mp4")
    out = tmp_path / "out"
    report = run_export(_probed(tmp_path, row), out, _plan())
    ((named, count),) = report.copied.items()
    assert count == 1 and f"  - 1 x {named}" in (out / "CONVENTIONS.md").read_text()
    assert "matrix" not in named


@pytest.mark.parametrize("kind", ["pq", "anamorphic"])
def test_the_loaders_of_whole_videos_get_no_file_that_shows_something_else(
    plain: tuple[Path, SampleRow], tmp_path: Path, kind: str
) -> None:
    source, row = plain
    CHANGED[kind](source, tmp_path / "disc.mp4")
    summary = export_frameino(_probed(tmp_path, row), tmp_path / "out", stage="1")
    assert (summary.stage1_rows, summary.videos) == (0, 0)
    assert {"--videos cut" in item.reason for item in summary.left_out} == {True}
