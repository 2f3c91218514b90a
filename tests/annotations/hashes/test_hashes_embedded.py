"""Hashes of copies are alike, those of other clips are not, and nothing has none."""

import numpy as np
import pytest
from clip_inputs import probed
from copied_clips import copied, original

from clipmill.annotations.hashes.embedded import PictureHashes
from clipmill.annotations.hashes.perceptual.bars import inside_bars
from clipmill.annotations.hashes.perceptual.signs import MIRROR, sign_hashes
from clipmill.annotations.registry import find_backend
from clipmill.store.codecs import decode_array
from media import ffmpeg


def row_of(path, start=0, end=None, **settings):
    backend = find_backend("hashes", "embedded")(PictureHashes.Config(**settings))
    (row,) = backend.annotate([backend.load(probed(path, start, end))])
    return row


def hashes_of(row):
    return decode_array(row.hashes).view(np.uint64)


@pytest.fixture(scope="module")
def fractal(tmp_path_factory):
    return original(tmp_path_factory.mktemp("hashes") / "fractal.mp4", "fractal")


def bits(one, two):
    return float(np.bitwise_count(one[: len(two), 0] ^ two[: len(one), 0]).mean())


def test_frames_are_evenly_spaced_from_the_clips_start(fractal):
    row = row_of(fractal, 10, 60)
    seconds = decode_array(row.times)
    assert seconds[0] == 0
    assert np.abs(np.diff(seconds) - 1 / 6).max() <= 1 / 25 + 1e-6
    assert row.num_hashes == len(seconds) == len(hashes_of(row)) == len(decode_array(row.motion))


def test_a_long_clip_has_no_more_than_asked_for(fractal):
    assert row_of(fractal, max_frames=5).num_hashes == 5


def test_a_copy_is_alike_and_another_clip_is_not(fractal, tmp_path):
    mine = hashes_of(row_of(fractal))
    small = hashes_of(row_of(copied(fractal, tmp_path / "a.mp4", "scaled")))
    other = hashes_of(row_of(original(tmp_path / "b.mp4", "pattern")))
    assert bits(mine, small) < 3
    assert bits(mine, other) > 20


def test_the_hash_of_the_mirror_image_needs_no_picture(fractal, tmp_path):
    mine = hashes_of(row_of(fractal))
    turned = hashes_of(row_of(copied(fractal, tmp_path / "a.mp4", "mirrored")))
    assert bits(mine, turned) > 10
    assert bits(mine ^ MIRROR, turned) < 3


def test_mirroring_a_picture_changes_the_odd_frequencies_alone():
    picture = np.random.default_rng(1).normal(size=(32, 32)).astype(np.float32)
    assert sign_hashes(picture[:, ::-1]) == sign_hashes(picture) ^ MIRROR


def test_bars_are_cut_off(fractal, tmp_path):
    boxed = row_of(copied(fractal, tmp_path / "a.mp4", "letterboxed"))
    assert boxed.bars == pytest.approx(0.25, abs=0.04)
    assert row_of(fractal).bars == 0
    assert bits(hashes_of(row_of(fractal)), hashes_of(boxed)) < 6


def test_a_picture_all_black_has_no_bars():
    assert inside_bars(np.zeros((2, 8, 8), np.uint8)) == (0, 8, 0, 8)


def test_a_clip_that_shows_nothing_has_no_hash(tmp_path):
    for colour in ("black", "gray"):
        path = tmp_path / f"{colour}.mp4"
        ffmpeg("-f", "lavfi", "-i", f"color={colour}:s=160x90:r=25:d=1", path)
        row = row_of(path)
        assert row.num_hashes == 0
        assert hashes_of(row).shape[0] == 0


def test_what_does_not_move_has_no_hash_of_motion(fractal, tmp_path):
    path = tmp_path / "still.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25,select=eq(n\\,0),loop=-1:1", "-t", "2", path
    )
    assert not decode_array(row_of(path).motion).any()
    assert (decode_array(row_of(fractal).motion)[1:, 0] != 0).mean() > 0.8
