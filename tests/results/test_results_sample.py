"""Looking at one sample: what is painted is where it belongs, and texts stay texts."""

import re

import numpy as np
import pytest
from chromium_page import ChromiumPage, find_chromium
from truthful_run import HOSTILE

import clipmill
from clipmill.errors import UsageError
from clipmill.inspection.painting import SamplePainter
from clipmill.samples.schema import SampleRow
from clipmill.store.codecs import decode_mask, decode_tracks
from clipmill.video import VideoReader


@pytest.fixture(scope="module")
def sample(results) -> clipmill.Sample:
    """A stage-2 sample whose caption and path are hostile."""
    samples = results.samples(stage=2, columns=["sample_id", "relative_path"]).to_pylist()
    (sample_id,) = [row["sample_id"] for row in samples if row["relative_path"][:4] == "evil"][:1]
    return results.sample(sample_id)


@pytest.fixture(scope="module")
def view(sample):
    return sample.show(frames=4)


def test_frames_are_those_of_the_video(results):
    late = results.samples(columns=["sample_id", "anchor"]).to_pylist()
    sample = results.sample(next(row["sample_id"] for row in late if row["anchor"] == 40))
    with VideoReader(sample.row.uri) as reader:
        wanted = reader.frames([40, 43])
    assert np.array_equal(sample.frames([0, 3]), wanted)
    assert sample.frames([0], long_side=100).shape == (1, 56, 100, 3)
    with pytest.raises(IndexError):
        sample.frames([sample.row.num_frames])


def painted(row: SampleRow, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a flat picture painted over, and where it has changed."""
    flat = np.full((row.height, row.width, 3), 77, np.uint8)
    painter = SamplePainter(row, {}, size=(row.width, row.height))
    out = painter.paint(flat, frame)
    assert (flat == 77).all()
    return out, (out != flat).any(axis=2)


def test_masks_boxes_and_points_are_painted_where_they_are(sample):
    row = sample.row
    (entry,) = row.objects
    out, changed = painted(row, 0)
    mask = decode_mask(entry.mask, size=(row.height, row.width))
    assert changed[mask].all()
    x0, y0, x1, y1 = map(round, entry.box)
    assert changed[y0, x0:x1].all()
    assert changed[y0:y1, x0].all()
    for x, y in decode_tracks(entry.points)[0].round().astype(int):
        assert tuple(out[y, x]) == (255, 0, 0)  # colour 0 of `object_colours`
    rx0, ry0, rx1, _ = entry.regions[-1].box
    assert changed[ry0, rx0:rx1].all()
    near = np.zeros_like(changed)
    near[max(0, y0 - 3) : y1 + 3, max(0, x0 - 3) : x1 + 3] = True
    region = np.zeros_like(changed)
    region[max(0, ry0 - 3) :, max(0, rx0 - 3) :] = True
    assert not changed[~near & ~region].any()


def test_points_go_along_and_end_with_their_tracks(sample):
    row = sample.row
    (entry,) = row.objects
    tracks = decode_tracks(entry.points)
    out, _ = painted(row, 50)
    for x, y in tracks[50].round().astype(int):
        assert tuple(out[y, x]) == (255, 0, 0)
    _, changed = painted(row, len(tracks))
    region = entry.regions[-1].box
    assert not changed[:, : region[0] - 3].any()


def test_the_sheet_has_a_picture_per_frame(view, sample):
    assert view.sheet.size == (2 * sample.row.width + 4, 2 * sample.row.height + 4)
    assert view.sheet.mode == "RGB"


def test_the_video_shows_the_painted_frames(view, sample, tmp_path):
    path = tmp_path / "sample.mp4"
    path.write_bytes(view.video)
    with VideoReader(str(path)) as reader:
        assert reader.index.num_frames == sample.row.num_frames
        assert reader.index.fps == pytest.approx(sample.row.fps)
        first = reader.frames([0])[0]
    sheet = np.asarray(view.sheet)[: sample.row.height, : sample.row.width]
    inner = slice(24, None)  # below the number of the frame
    assert np.abs(first[inner].astype(int) - sheet[inner]).mean() < 6
    plain = sample.frames([0])[0]
    assert np.abs(plain[inner].astype(int) - sheet[inner]).mean() > 6


def test_texts_are_escaped_and_nothing_is_fetched(view):
    html = view._repr_html_()
    assert HOSTILE.splitlines()[0] not in html
    assert "&lt;/script&gt;&lt;img" in html
    assert set(re.findall(r'src="(\w+:\w+/\w+)', html)) == {
        "data:video/mp4",
        "data:image/jpeg",
        "data:image/png",
    }
    assert len(re.findall("src=", html.replace("&lt;img src=x", ""))) == len(
        re.findall('src="data:', html)
    )


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on PATH")
def test_a_browser_plays_it_and_runs_none_of_its_texts(view, tmp_path):
    page_file = tmp_path / "sample.html"
    view.save(page_file)
    with ChromiumPage(page_file.as_uri()) as page:
        page.wait_for("document.querySelector('video').readyState >= 2")
        assert page.evaluate("window.pwned === undefined")
        assert page.evaluate("document.querySelector('img').naturalWidth") == view.sheet.width
        assert HOSTILE in page.evaluate("document.body.innerText")
        assert page.errors == []


def test_showing_prints_nothing(sample, capsys):
    shown = sample.show(frames=1, video=False)
    assert shown.video is None
    assert "<video" not in shown.html
    assert shown.sheet.size == (sample.row.width, sample.row.height)
    assert sample.sample_id in repr(shown)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"long_side": 10}])
def test_sizes_that_cannot_be_meant_are_refused(sample, wrong):
    with pytest.raises(UsageError, match="at least"):
        sample.show(**wrong)


def test_a_sample_that_is_not_there_is_an_error(results):
    with pytest.raises(UsageError, match="no sample"):
        results.sample("0123456789abcdef-000000-000010-a00000")
