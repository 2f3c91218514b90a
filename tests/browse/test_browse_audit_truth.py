"""An audit of 200 through the real server, of clips whose truth is known."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from known_truth import ANSWERS, CLIPS, GOOD, REASON, Truth, make_known_run, number_of
from served_site import served
from test_browse_audit import ask, told

from clipmill.audit.files import read_audit
from clipmill.store.workspace import Workspace

WANTED = 200
SHOWN = 4
"""Clips of which the video is asked for as well: each is cut and encoded then."""


def clipmill(*words: object) -> str:
    command = [sys.executable, "-m", "clipmill", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def audited(tmp_path_factory) -> tuple[Path, list[tuple[str, bytes]]]:
    """A workspace whose audit is judged to its end, and all that the judge was given until then."""
    workspace = make_known_run(tmp_path_factory.mktemp("known"))
    got: list[tuple[str, bytes]] = []
    with served(str(workspace), judge="ann") as site:

        def note(path: str, body: object = None) -> bytes:
            answer, data = ask(site, path, body)
            assert answer.status == 200, data
            got.append((path, str(answer.getheaders()).encode() + data))
            return data

        base = json.loads(note("/audit", {"wanted": WANTED, "by": "state"}))["address"]
        audit = read_audit(Workspace.open(workspace), base.rpartition("/")[2])
        note(base)
        for place, clip_id in enumerate(audit.blind.clips):
            if place < SHOWN:
                note(f"{base}/clips/{place}.json")
                note(f"{base}/clips/{place}/video")
            answer = "good" if ANSWERS[number_of(clip_id)] else "bad"
            note(f"{base}/answers", {"place": place, "answer": answer})
        note(f"{base}/state.json")
        assert ask(site, f"{base}/result")[0].status == 303  # not before the judge is done
        told(site, f"{base}/close", {})
        page = ask(site, f"{base}/result")[1].decode()
    assert "precision" in page.lower()
    return workspace, got


@pytest.fixture(scope="module")
def result(audited) -> dict:
    """What `clipmill status` tells of it."""
    (found,) = json.loads(clipmill("status", "-w", audited[0], "--json"))["audits"]
    return found


def test_the_draw_is_half_kept_and_half_dropped(audited):
    audit = read_audit(Workspace.open(audited[0]), "audit-1")
    assert len(audit.blind.clips) == WANTED
    assert {s.state: s.drawn for s in audit.strata} == {"kept": 100, "dropped": 100}
    assert sum(s.clips for s in audit.strata) == CLIPS


def test_the_intervals_hold_the_truth(audited, result):
    assert (result["judged"], result["judges"], result["under_way"]) == (WANTED, ["ann"], {})
    for name, real, judged in (
        ("precision", Truth.by(GOOD).precision, Truth.by(ANSWERS).precision),
        ("yield", Truth.by(GOOD).yielded, Truth.by(ANSWERS).yielded),
    ):
        found = result[name]
        # All clips as this judge sees them, and as they are: an error of 4 % moves the estimate by
        # less than the chance of the draw.
        assert found["low"] <= judged <= found["high"], name
        assert found["low"] <= real <= found["high"], name
        assert found["low"] < found["value"] < found["high"]
        assert found["high"] - found["low"] < 0.2, name
    against = {one["clip_id"] for one in result["against"]}
    audit = read_audit(Workspace.open(audited[0]), "audit-1")
    assert against == {
        clip_id
        for clip_id in audit.blind.clips
        if bool(ANSWERS[number_of(clip_id)]) != (audit.verdicts[clip_id].state == "kept")
    }


def test_the_interval_excludes_what_is_not_so(result):
    """As good as a coin, or as a pipeline that makes no mistake."""
    for name in ("precision", "yield"):
        for wrong in (0.5, 1.0):
            assert not result[name]["low"] <= wrong <= result[name]["high"], name


def test_no_answer_holds_a_verdict(audited):
    workspace, got = audited
    audit = read_audit(Workspace.open(workspace), "audit-1")
    secrets = [clip_id.encode() for clip_id in audit.blind.clips]
    secrets += [audit.blind.clips[0][:16].encode(), REASON.encode(), b"long.mp4", b"clarity"]
    assert len(got) == 3 + WANTED + 2 * SHOWN
    for path, data in got:
        assert not any(secret in data for secret in secrets), path
        if path.endswith((".json", "answers")):
            words = (b"kept", b"dropped", b"quality", b"selection", b"verdict", b"reason")
            assert not any(word in data.lower() for word in words), path
    # Every answer is met by the same bytes, whatever was decided.
    answers = {data.split(b"'date'")[0] for path, data in got if path.endswith("answers")}
    assert len(answers) == 1


def test_status_and_report_show_the_result(audited, result):
    workspace, _ = audited
    text = clipmill("status", "-w", workspace)
    line = next(line for line in text.splitlines() if "audit-1" in line)
    assert f"{WANTED} of {WANTED}" in line and "ann" in line
    shown = f"{result['precision']['value']:.0%}".replace("%", " %")
    assert shown in line
    clipmill("report", "-w", workspace, "--out", workspace / "out", "--gallery", 0)
    page = (workspace / "out/index.html").read_text()
    assert "audit-1" in page and shown in page.replace("\u202f", " ").replace("\xa0", " ")
