"""What commands say of audits."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from programs import Program, completed
from truthful_run import shared_workspace

from clipmill.audit.answers import AnswerLog
from clipmill.audit.files import read_audit
from clipmill.store.workspace import Workspace


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("audit") / "copy"
    shutil.copytree(shared_workspace(tmp_path_factory).root, target)
    return str(target)


SUPPORT = Path(__file__).parents[1] / "support"
"""The run's backends are in there."""


def clipmill(*words: str) -> subprocess.CompletedProcess[str]:
    return completed(*words, paths=(SUPPORT,))


def told(*words: str) -> dict:
    done = clipmill(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def browse(copy: str, *words: str) -> str:
    """Return the address that `clipmill browse` prints; it is ended by Ctrl-C."""
    run = Program("browse", "-w", copy, "--port", "0", *words, paths=(SUPPORT,))
    line = next(line for line in run.stdout if line.startswith("open "))
    os.kill(run.pid, signal.SIGINT)
    run.communicate(timeout=60)
    return line.strip()


def test_an_audit_from_start_to_end(copy):
    assert "no audit" in clipmill("audit", "list", "-w", copy).stdout
    assert clipmill("audit", "show", "-w", copy).returncode == 2
    line = browse(copy, "--audit", "6", "--strata", "step", "--judge", "ann")
    assert line.startswith("open http://127.0.0.1:") and "/audit/audit-1?token=" in line
    assert "/audit/audit-1?" in browse(copy, "--audit", "6", "--strata", "step", "--judge", "ann")

    opened = Workspace.open(copy)
    audit = read_audit(opened, "audit-1")
    assert audit.blind.wanted == len(audit.blind.clips) == 6
    log = AnswerLog(opened, "audit-1", "ann")
    for clip_id in audit.blind.clips:
        log.add(clip_id, "good")
    before = told("status", "-w", copy)["audits"]
    assert (before[0]["under_way"], before[0]["precision"]) == ({"ann": 6}, None)
    log.add("", "closed")

    (listed,) = told("audit", "list", "-w", copy)["audits"]
    assert told("status", "-w", copy)["audits"] == [listed]
    assert told("audit", "show", "-w", copy)["audit"] == listed
    assert listed["precision"]["value"] == 1.0
    assert 0 < listed["yield"]["low"] < listed["yield"]["value"] < listed["yield"]["high"] < 1
    dropped = [clip for clip in audit.blind.clips if audit.verdicts[clip].state == "dropped"]
    assert [one["clip_id"] for one in listed["against"]] == dropped

    shown = clipmill("audit", "show", "audit-1", "-w", copy).stdout
    assert "100 %" in shown and "judged against the pipeline" in shown
    assert all(clip in shown.replace("\n", "") or clip[:16] in shown for clip in dropped)
    assert "audit-1" in clipmill("status", "-w", copy).stdout
    assert "/audit/audit-2?" in browse(copy, "--audit", "6", "--strata", "step", "--judge", "ann")


def test_read_only_starts_no_audit(copy):
    done = clipmill("browse", "-w", copy, "--port", "0", "--read-only", "--audit", "5")
    assert done.returncode == 2
    assert "--read-only" in done.stderr


def test_a_status_without_audits_says_nothing_of_them(tmp_path_factory):
    root = shared_workspace(tmp_path_factory).root
    assert "audit" not in clipmill("status", "-w", root).stdout
    assert not (Path(root) / "audits").exists()
