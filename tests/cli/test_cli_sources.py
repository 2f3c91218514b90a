"""What a user is told of the sources: before work, by `status`, `failed` and `why`."""

import json
from pathlib import Path

import pytest

from media import make_clip

PROBE = "name: p\nsteps:\n  - annotate: probe\n"


@pytest.fixture
def clip(clips) -> bytes:
    """A small video."""
    return clips("sources.mp4", size=(64, 48), frames=10).read_bytes()


@pytest.fixture
def go(clipmill, tmp_path):
    """Run a pipeline that only probes."""
    (tmp_path / "p.yaml").write_text(PROBE)

    def run(source: Path, *options: str) -> tuple[int, str, str]:
        workspace = ("-w", tmp_path / "ws", "-c", tmp_path / "p.yaml", "-j", 0)
        return clipmill("run", "-i", source, *workspace, *options)

    return run


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_account_is_shown_before_work_and_by_status(clipmill, go, clip, tmp_path):
    put(tmp_path / "in/a.mp4", clip)
    put(tmp_path / "in/._a.mp4", b"\x00\x05\x16\x07" + bytes(4000))
    put(tmp_path / "in/metadata.csv", b"video,prompt\na.mp4,one\ngone.mp4,x\n")
    code, _, err = go(tmp_path / "in")
    assert code == 0
    told = err[: err.index("source: 2 videos in")]
    assert f"table {tmp_path}/in/metadata.csv (video, prompt): 2 rows, 1 refused" in told
    assert "line 3: the file does not exist" in told
    assert "1 video, captions: 1 from column 'prompt'" in told
    assert "1 leftovers (left behind by a system or an archiver): ._a.mp4" in told
    (tmp_path / "in/a.mp4").unlink()  # status lists nothing again
    out = clipmill("status", "-w", tmp_path / "ws")[1]
    assert told in out
    data = json.loads(clipmill("status", "-w", tmp_path / "ws", "--json")[1])
    assert data["sources"][0]["tables"][0]["refused"] == 1


def test_the_account_is_in_the_summary_for_scripts(go, clip, tmp_path):
    put(tmp_path / "in/a.mp4", clip)
    summary = json.loads(go(tmp_path / "in", "--json")[1])
    assert [source["videos"] for source in summary["sources"]] == [1]


def test_a_workspace_of_an_older_clipmill_has_no_account_and_is_shown(clipmill, go, clip, tmp_path):
    put(tmp_path / "in/a.mp4", clip)
    go(tmp_path / "in")
    (tmp_path / "ws/sources.json").unlink()
    code, out, _ = clipmill("status", "-w", tmp_path / "ws")
    assert code == 0
    assert "probe" in out
    (tmp_path / "ws/sources.json").write_text("{")
    code, _, err = clipmill("status", "-w", tmp_path / "ws")
    assert code == 2
    assert "sources.json is damaged; delete it" in err


def test_no_video_at_all_is_an_error_that_changes_nothing(clipmill, go, clip, tmp_path):
    put(tmp_path / "in/a.mp4", clip)
    go(tmp_path / "in")
    before = clipmill("status", "-w", tmp_path / "ws")[1]
    put(tmp_path / "gifs/a.gif", b"GIF89a")
    for folder in ("gifs", "unmounted"):
        (tmp_path / folder).mkdir(exist_ok=True)
        code, _, err = go(tmp_path / folder)
        assert code == 2
        assert f"no video found in {tmp_path}/{folder}" in err
        assert ("1 .gif (another kind of file): a.gif" in err) == (folder == "gifs")
    assert clipmill("status", "-w", tmp_path / "ws")[1] == before


def test_a_caption_that_is_not_used_is_named_where_people_look(clipmill, go, clip, tmp_path):
    put(tmp_path / "in/a.mp4", clip)
    put(tmp_path / "in/a.txt", b"un caf\xe9")
    code, _, err = go(tmp_path / "in", "--strict")
    assert code == 0  # no clip failed
    assert "1 caption not used: is not UTF-8" in err
    (row,) = json.loads(clipmill("failed", "-w", tmp_path / "ws", "--json")[1])["failures"]
    assert (row["step"], row["path"]) == ("source", "a.mp4")
    assert row["error"].startswith("a.txt is not UTF-8; convert it")
    for name in ("a.mp4", "a.txt"):
        out = clipmill("why", name, "-w", tmp_path / "ws")[1]
        assert "noted at source: a.txt is not UTF-8" in out
    assert "kept so far" in clipmill("why", "a.mp4", "-w", tmp_path / "ws")[1]


def test_parts_of_videos_are_told(clipmill, go, tmp_path):
    make_clip(tmp_path / "in/a.mp4", size=(64, 48), frames=50)
    put(tmp_path / "in/t.csv", b"video,start,end,caption\na.mp4,0,1,one\na.mp4,1,9,two\n")
    code, _, err = go(tmp_path / "in/t.csv")
    assert code == 0
    assert "2 parts of videos by rows with times" in err
    assert "times: 1 clips in, 1 on, 1 dropped" in err
    out = clipmill("why", "a.mp4", "-w", tmp_path / "ws")[1]
    assert "-000000-000025" in out
    assert "line 3: seconds 1 to 9 reach beyond the end of the video (2)" in out
