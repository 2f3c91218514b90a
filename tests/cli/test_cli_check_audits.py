"""`clipmill check` reads what people judged, and a repair loses none of it that can be read."""

import json
import shutil
from pathlib import Path

import pytest
from truthful_run import shared_workspace

from clipmill.audit.answers import AnswerLog, answers_now, read_answers
from clipmill.audit.files import read_audit, start_audit
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.review import ReviewStore, judge_clip


@pytest.fixture
def audited(tmp_path, tmp_path_factory) -> Path:
    """A workspace with an audit that two judges have answered, and a judgement."""
    shutil.copytree(shared_workspace(tmp_path_factory).root, tmp_path / "ws")
    context, listing = require_last_run(str(tmp_path / "ws"))
    audit = start_audit(context, listing, wanted=6)
    for judge in ("ann", "bob"):
        log = AnswerLog(context.workspace, audit.blind.id, judge)
        for clip_id in audit.blind.clips:
            log.add(clip_id, "good")
        log.add("", "closed")
    ReviewStore.open(context.workspace).add(judge_clip(audit.blind.clips[0], "star", who="Ann"))
    return tmp_path / "ws"


def checked(clipmill, workspace: Path, *more: str) -> tuple[int, dict[str, str]]:
    code, text, error = clipmill("check", "-w", workspace, "--json", *more)
    found = [entry["damage"] for entry in json.loads(text)["damages"]]
    assert error == ""
    return code, {entry["path"]: entry["reason"] for entry in found}


def test_whole_audits_are_no_damage(clipmill, audited):
    assert checked(clipmill, audited) == (0, {})


@pytest.mark.parametrize("damage", ["cut", "altered", "empty in the middle", "not a text"])
def test_answers_that_are_half_written_are_told_and_the_others_stay(clipmill, audited, damage):
    path = next(
        p for p in (audited / "audits/audit-1/answers").iterdir() if b"ann" in p.read_bytes()
    )
    lines = path.read_bytes().splitlines(keepends=True)
    data = {
        "cut": b"".join(lines)[:-20],
        "altered": b"".join(lines).replace(b'"closed"', b'"clozed"'),
        "empty in the middle": b"".join([*lines[:6], b"\0" * 30 + b"\n"]),
        "not a text": b"".join([*lines[:6], b"\xff\xfe" + lines[6]]),
    }[damage]
    path.write_bytes(data)
    name = str(path.relative_to(audited))
    assert checked(clipmill, audited) == (
        1,
        {name: "line 7 is no answer; 6 others can be read"},
    )
    # Looking goes on without the file, and says so.
    code, text, error = clipmill("status", "-w", audited, "--json")
    assert code == 0 and f"{name}: line 7 is no answer" in error and "check --repair" in error
    (told,) = json.loads(text)["audits"]
    assert told["judges"] == ["bob"]
    code, text, error = clipmill("check", "-w", audited, "--repair")
    assert code == 0, error
    assert f"moved to damaged/{name}: the 6 answers that can be read are in its place; 1" in text
    assert (audited / "damaged" / name).read_bytes() == data
    assert checked(clipmill, audited) == (0, {})
    context, _ = require_last_run(str(audited))
    rows = read_answers(context.workspace, "audit-1")
    assert len(answers_now(rows, "ann")) == 6
    # Ann is not known to be done any more: the page has her go on.
    code, text, _ = clipmill("status", "-w", audited, "--json")
    assert json.loads(text)["audits"][0]["under_way"] == {"ann": 6}


@pytest.mark.parametrize("cut", [0, 40])
def test_a_damaged_draw_is_set_aside_with_its_answers_left(clipmill, audited, cut):
    path = audited / "audits/audit-1/audit.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    answers = sorted((audited / "audits/audit-1/answers").iterdir())
    code, found = checked(clipmill, audited)
    assert code == 1
    assert found == {
        "audits/audit-1/audit.json": "it is no drawn audit, and its answers cannot be counted "
        "without it"
    }
    code, text, error = clipmill("status", "-w", audited, "--json")
    assert code == 0 and json.loads(text)["audits"] == []
    assert "audit.json: it is no drawn audit" in error and "check --repair" in error
    code, text, _ = clipmill("check", "-w", audited, "--repair")
    assert code == 0
    assert "draw another audit with `clipmill browse --audit`" in " ".join(text.split())
    assert (audited / "damaged/audits/audit-1/audit.json").read_bytes() == whole[:cut]
    assert sorted((audited / "audits/audit-1/answers").iterdir()) == answers
    assert checked(clipmill, audited) == (0, {})
    # A copy from elsewhere makes the audit whole again.
    path.write_bytes(whole)
    context, _ = require_last_run(str(audited))
    assert read_audit(context.workspace, "audit-1").blind.wanted == 6
    code, text, _ = clipmill("status", "-w", audited, "--json")
    assert json.loads(text)["audits"][0]["judges"] == ["ann", "bob"]


def test_judgements_are_read_too(clipmill, audited):
    (path,) = (audited / "review").iterdir()
    path.write_bytes(path.read_bytes().replace(b'"star"', b'"keep"'))
    code, found = checked(clipmill, audited)
    assert code == 1 and list(found) == [f"review/{path.name}"]
    code, text, _ = clipmill("check", "-w", audited, "--repair")
    assert code == 0 and "0 judgements that can be read" in text
    assert (audited / "damaged/review" / path.name).exists()
