"""`clipmill diff WS@previous`: the last run of a workspace against the one before it."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from pipelines import BASIC, pipeline_on, run

from clipmill.config.overrides import with_settings
from clipmill.pipeline.recorded.decided import DECIDED
from clipmill.whatif import PastRun
from media import make_clip

LONGER = "basic.rules.num_frames.above=115"
VIDEO = "00112233445566aa"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Three videos and one that cannot be read; a run in which all others are long enough."""
    folder = tmp_path_factory.mktemp("previous")
    for number, frames in enumerate((110, 120, 130)):
        make_clip(folder / "videos" / f"v{number}.mp4", size=(480, 320), frames=frames)
    (folder / "videos" / "broken.mp4").write_bytes(b"no video")
    run(pipeline_on(folder / "videos", BASIC), folder / "ws")
    return folder


@pytest.fixture
def again(made, tmp_path):
    """Run once more in a copy of the workspace, with changes; returns its folder."""
    shutil.copytree(made / "ws", tmp_path / "ws")

    def rerun(*changes: str, text: str = BASIC, **options) -> Path:
        run(
            with_settings(pipeline_on(made / "videos", text), list(changes)),
            tmp_path / "ws",
            **options,
        )
        return tmp_path / "ws"

    return rerun


def told(clipmill, *names: object) -> dict:
    code, text, error = clipmill("diff", *names, "--json", "--clips")
    assert code == 0, error
    return json.loads(text)


def test_it_tells_what_the_diff_of_two_workspaces_tells(clipmill, made, again):
    ws = again(LONGER)
    answer = told(clipmill, f"{ws}@previous", ws)
    assert answer == told(clipmill, made / "ws", ws)
    assert (answer["kept"], answer["gained"], answer["lost"]) == (2, 0, 1)
    assert [r["reason"] for r in answer["reasons"]] == ["too_few_frames"]
    assert told(clipmill, f"{ws}@previous") == answer  # the workspace itself is what comes after
    back = told(clipmill, ws, f"{ws}@previous")
    assert back == told(clipmill, ws, made / "ws")
    assert (back["gained"], back["lost"]) == (1, 0)


def test_one_run_before_the_last_is_kept_and_no_more(clipmill, again):
    again(LONGER)
    ws = again("basic.rules.num_frames.above=125")
    assert sorted(path.name for path in (ws / "decided").iterdir()) == [
        "last.parquet", "previous.parquet",
    ]  # fmt: skip
    assert told(clipmill, f"{ws}@previous")["lost"] == 1  # of two, one had gone before
    # A run with nothing to do is not another one.
    again("basic.rules.num_frames.above=125")
    assert told(clipmill, f"{ws}@previous")["lost"] == 1
    ws = again()
    answer = told(clipmill, f"{ws}@previous")
    assert (answer["gained"], answer["lost"]) == (2, 0)
    assert {clip["threshold"] for clip in answer["clips"]} == {125}


def test_a_run_that_was_stopped_is_no_run_before(clipmill, again):
    again(LONGER)
    ws = again("basic.rules.num_frames.above=125", until="basic")
    assert not (ws / "decided/last.parquet").exists()
    first = told(clipmill, f"{ws}@previous")
    again("basic.rules.num_frames.above=125", until="basic")
    again("basic.rules.num_frames.above=125")
    assert told(clipmill, f"{ws}@previous")["lost"] == first["lost"] == 1


def windows(frames: int) -> str:
    text = BASIC.replace("  - split: shots", "  - split: shots\n    min_frames: 40")
    split = f"  - split: windows\n    min_frames: 40\n    max_frames: {frames}"
    return text.replace("  - split: windows", split)


def test_clips_of_another_cut_are_told_by_what_held_them(clipmill, again):
    ws = again(text=windows(60))
    answer = told(clipmill, f"{ws}@previous")
    assert answer["lost"] == 3 and answer["gained"] > 3
    again(LONGER, text=windows(50))
    ws = again(text=windows(60))
    gained = [c for c in told(clipmill, f"{ws}@previous")["clips"] if c["change"] == "gained"]
    short = [clip for clip in gained if clip["reason"] == "too_few_frames"]
    # Windows of the video that was too short then: its whole clip tells.
    assert len(short) == 2 and {clip["value"] for clip in short} == {110}
    others = {clip["reason"] for clip in gained} - {"too_few_frames"}
    assert others == {"no such clip: its video is not there, or is cut otherwise"}


def test_the_first_run_has_none_before(clipmill, made):
    code, _, error = clipmill("diff", f"{made / 'ws'}@previous")
    assert code == 2
    assert "knows of no run before its last one: it is the first" in " ".join(error.split())


@pytest.mark.parametrize("words", [("ws@previous", "p.yaml"), ("p.yaml", "ws@previous")])
def test_files_are_not_compared_with_it(clipmill, words):
    code, _, error = clipmill("diff", *words)
    assert code == 2 and "WORKSPACE@previous is the run before" in " ".join(error.split())


def test_a_damaged_one_is_told_and_set_aside(clipmill, again):
    ws = again(LONGER)
    path = ws / "decided/previous.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    code, text, _ = clipmill("check", "-w", ws, "--json")
    assert code == 1
    assert [entry["damage"]["path"] for entry in json.loads(text)["damages"]] == [
        "decided/previous.parquet"
    ]
    code, _, error = clipmill("diff", f"{ws}@previous")
    assert code == 1 and "check --repair" in error
    code, text, _ = clipmill("check", "-w", ws, "--repair")
    assert code == 0 and "what that run decided is not known any more" in text
    assert clipmill("diff", f"{ws}@previous")[0] == 2
    assert clipmill("status", "-w", ws)[0] == 0


def row(name: str, *, kept: bool, is_object: bool = False, step: str = "", rule: str = "") -> dict:
    empty = dict.fromkeys(("column", "value", "threshold"))
    said = {"step": step or None, "rule": rule or None}
    return {"id": name, "object": is_object, "kept": kept, **said, **empty}


def test_objects_go_by_a_rule_or_with_their_clip():
    clip, other = f"{VIDEO}-000000-000100", f"{VIDEO}-000100-000200"
    past = PastRun(
        pa.Table.from_pylist(
            [
                row(clip, kept=True),
                row(other, kept=False, step="quality selection", rule="blurred"),
                row(f"{clip}-a00000-o00", kept=True, is_object=True),
                row(f"{clip}-a00000-o01", kept=False, is_object=True, step="motion", rule="still"),
            ],
            schema=DECIDED,
        )
    )
    assert past.kept.to_pylist() == [clip]
    assert past.kept_objects.to_pylist() == [f"{clip}-a00000-o00"]
    ids = pa.array([f"{other}-a00000-o00", f"{clip}-a00000-o01"])
    changes = past.object_changes(ids, "gained").to_pylist()
    assert [(c["id"], c["step"], c["reason"]) for c in changes] == [
        (ids[0].as_py(), "", "goes with its clip"),
        (ids[1].as_py(), "motion", "still"),
    ]
    ids = pa.array([f"{VIDEO}-000120-000150", other, "ffffffffffffffff-000000-000100"])
    changes = past.clip_changes(ids, "gained").to_pylist()
    assert [(c["id"], c["at"], c["reason"]) for c in changes] == [
        (ids[0].as_py(), other, "blurred"),
        (other, other, "blurred"),
        (
            ids[2].as_py(),
            ids[2].as_py(),
            "no such clip: its video is not there, or is cut otherwise",
        ),
    ]
