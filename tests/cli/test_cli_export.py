"""`clipmill export` as a user types it."""

import json

import av
import pytest
from truthful_run import shared_workspace

from clipmill.export.formats.registry import FORMATS


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    return str(shared_workspace(tmp_path_factory).root)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_explains_itself(clipmill, name):
    code, text, _ = clipmill("export", name, "--help")
    assert code == 0
    for option in ("--workspace", "--as", "--where", "--limit", "--frames", "--fps", "--verify"):
        assert option in text
    assert "This format" in text


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_and_verified(clipmill, workspace, tmp_path, name):
    out = tmp_path / name
    more = ["--videos", "cut"] if name == "frameino" else []
    code, text, error = clipmill(
        "export", name, out, "-w", workspace, "--limit", 2, "--long-side", 192, "-j", 1,
        "--verify", "--json", *more,
    )  # fmt: skip
    assert code == 0, text + error
    report, verified = map(json.loads, text.splitlines())
    assert report["samples"] + sum(report["left_out"].values()) == 2
    assert verified["problems"] == []
    counted = "## Captions" in (out / "CONVENTIONS.md").read_text()
    assert counted is bool(report["samples"])
    entries = [json.loads(line) for line in (out / "manifest.jsonl").open()]
    origins = {piece["row"]["caption_origin"] for entry in entries for piece in entry["pieces"]}
    assert origins == set(report["captions"]) <= {"provided", "model"}


def test_frame_options_reach_the_videos(clipmill, workspace, tmp_path):
    code, text, _ = clipmill(
        "export", "canonical", tmp_path / "o", "-w", workspace, "--limit", 1, "-j", 0,
        "--frames", "wan2.1", "--aspect", "20:11", "--long-side", "160",
    )  # fmt: skip
    assert code == 0 and "1 samples" in text
    (line,) = (tmp_path / "o/samples.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert (row["fps"], row["width"], row["height"]) == (16.0, 160, 80)
    assert row["num_frames"] % 4 == 1


def test_what_a_profile_cannot_reach_is_said_first_and_counted_last(clipmill, workspace, tmp_path):
    code, text, error = clipmill(
        "export", "frameino", tmp_path / "o", "-w", workspace, "--videos", "cut", "-j", 1,
        "--frames", "wan2.1", "--limit", 2,
    )  # fmt: skip
    assert code == 0, error
    # Notes are no answer: they go to stderr, before the work.
    assert "note: stage 2: none of " in error
    assert text.index("(frameino/folder)") < text.index("stage 2: 0 of ")
    with av.open(str(next((tmp_path / "o").rglob("*.mp4")))) as video:
        assert (video.streams.video[0].width, video.streams.video[0].height) == (832, 480)


def test_nothing_to_export_is_an_error(clipmill, workspace, tmp_path):
    for more in (["--where", "num_frames > 9999"], ["--min-frames", 9999]):
        for name in ("canonical", "frameino"):
            code, _, error = clipmill("export", name, tmp_path / "o", "-w", workspace, *more)
            assert code == 2 and "Nothing was written" in error
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("name", ["plain", "frameino"])
def test_own_captions_are_all_there_are_in_this_workspace(clipmill, workspace, tmp_path, name):
    out = tmp_path / "o"
    options = ("-w", workspace, "--limit", 2, "--captions", "own", "-j", 1)
    code, text, _ = clipmill("export", name, out, *options)
    assert code == 0 and "captions: " in text and "template" not in text


def test_whole_videos_take_the_choice_too(clipmill, workspace, tmp_path):
    code, text, _ = clipmill(
        "export", "frameino", tmp_path / "o", "-w", workspace, "--limit", 2, "--min-frames", 120,
        "--verify",
    )  # fmt: skip
    assert code == 0
    assert "frames from the anchor on, 120 wanted" in text or "2 stage-1 rows" in text
    assert "all as written" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--frames", "wan3"], "no frame profile 'wan3'"),
        (["--size", "big"], "--size 'big' cannot be read"),
        (["--size", "101x40"], "multiples of 2"),
        (["--aspect", "0:1"], "--aspect '0:1' cannot be read"),
        (["--fps", "-3"], "fps"),
        (["--fps", "x"], "fps"),
        (["--shard-size", "huge"], "--shard-size 'huge'"),
        (["--where", "nix = 1"], "no column 'nix'"),
        (["--samples", "other"], "no samples called 'other'"),
    ],
)
def test_options_that_cannot_be_meant_are_named(clipmill, workspace, tmp_path, options, said):
    code, _, error = clipmill("export", "canonical", tmp_path / "o", "-w", workspace, *options)
    assert code == 2
    assert said in error
    assert not (tmp_path / "o").exists()


def test_changed_frames_need_cut_videos(clipmill, workspace, tmp_path):
    code, _, error = clipmill("export", "frameino", tmp_path, "-w", workspace, "--fps", 16)
    assert code == 2 and "--fps changes the videos; it needs --videos cut" in error


def test_damage_is_an_exit_code(clipmill, workspace, tmp_path):
    out = tmp_path / "o"
    clipmill("export", "canonical", out, "-w", workspace, "--limit", 1, "-j", 1)
    code, text, _ = clipmill("export", "verify", out)
    assert code == 0 and "all as written" in text
    next(out.rglob("*.npz")).write_bytes(b"")
    code, text, _ = clipmill("export", "verify", out)
    assert code == 1 and "1 problems" in text and ".npz" in text
    code, _, error = clipmill("export", "verify", tmp_path)
    assert code == 2 and "is no export" in error
