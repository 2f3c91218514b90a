"""Audits and answers in a real workspace."""

import shutil
import threading
from pathlib import Path

import pytest
from audit_rows import drawn, judged, population
from truthful_run import shared_workspace

from clipmill.audit.answers import AnswerLog, answers_now, closed_judges, read_answers
from clipmill.audit.estimate import evaluate_audit
from clipmill.audit.files import audit_ids, read_audit, resume_audit, start_audit
from clipmill.errors import ClipmillError, UsageError
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.store.errors import CorruptFileError
from clipmill.store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "w", create=True)


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory):
    """A real run that may be written to."""
    root = shared_workspace(tmp_path_factory).root
    shutil.copytree(root, tmp_path / "copy")
    return require_last_run(str(tmp_path / "copy"))


def test_an_audit_of_a_real_run(run):
    made = start_audit(*run, wanted=200, by="step")
    assert made.blind.id == "audit-1"
    assert read_audit(run[0].workspace, "audit-1") == made
    states = {verdict.state for verdict in made.verdicts.values()}
    assert states == {"kept", "dropped"}
    assert {v.step for v in made.verdicts.values()} >= {
        *("", "basic selection", "quality selection", "objects selection")
    }
    assert sum(stratum.clips for stratum in made.strata) == len(made.blind.clips)


def test_an_audit_is_resumed_until_its_judge_is_done(run):
    workspace = run[0].workspace
    first = resume_audit(*run, judge="ann", wanted=5)
    assert resume_audit(*run, judge="ann", wanted=5) == first
    assert resume_audit(*run, judge="ann", wanted=6).blind.id == "audit-2"
    log = AnswerLog(workspace, first.blind.id, "ann")
    log.add(first.blind.clips[0], "good")
    log.add("", "closed")
    assert resume_audit(*run, judge="bob", wanted=5) == first
    assert resume_audit(*run, judge="ann", wanted=5).blind.id == "audit-3"
    assert audit_ids(workspace) == ["audit-1", "audit-2", "audit-3"]


def test_the_draw_survives_another_run_without_the_clips(run):
    """Verdicts are those of the draw."""
    made = start_audit(*run, wanted=100)
    workspace = run[0].workspace
    for name in workspace.names("walk"):
        workspace.remove(f"walk/{name}")
    (Path(workspace.root) / "videos.parquet").unlink()
    again = read_audit(Workspace.open(workspace.root), made.blind.id)
    rows = judged(dict.fromkeys(again.blind.clips, "good"))
    assert evaluate_audit(again, rows).precision.value == 1


def test_judges_at_once_write_files_of_their_own(workspace):
    audit = drawn(
        population({("kept", "", ""): 40, ("dropped", "q", ""): 40}), 40, audit_id="audit-1"
    )

    def judge(name: str) -> None:
        log = AnswerLog(workspace, "audit-1", name)
        for clip in audit.blind.clips:
            log.add(clip, "good")
        log.add("", "closed")

    threads = [threading.Thread(target=judge, args=(f"judge {k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = read_answers(workspace, "audit-1")
    assert len(rows) == 4 * 41
    assert closed_judges(rows) == [f"judge {k}" for k in range(4)]
    assert all(len(answers_now(rows, f"judge {k}")) == 40 for k in range(4))


def test_answers_of_several_places_are_merged_by_copying_files(tmp_path):
    one, two = (Workspace.open(tmp_path / name, create=True) for name in ("one", "two"))
    AnswerLog(one, "audit-1", "ann").add("a", "good")
    AnswerLog(two, "audit-1", "bob").add("a", "bad")
    for file in Path(two.root).glob("audits/audit-1/answers/*.jsonl"):
        (Path(one.root) / "audits/audit-1/answers" / file.name).write_bytes(file.read_bytes())
    rows = read_answers(one, "audit-1")
    assert (answers_now(rows, "ann"), answers_now(rows, "bob")) == ({"a": "good"}, {"a": "bad"})


def test_a_later_session_overrules_an_earlier_one(workspace):
    AnswerLog(workspace, "audit-1", "ann").add("a", "good")
    AnswerLog(workspace, "audit-1", "ann").add("a", "bad")
    assert answers_now(read_answers(workspace, "audit-1"), "ann") == {"a": "bad"}


def test_an_answer_that_was_not_written_is_not_taken_for_given(workspace):
    log = AnswerLog(workspace, "audit-1", "ann")
    log.add("a", "good")
    folder = Path(workspace.root) / "audits/audit-1/answers"
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("in the way")
    with pytest.raises(ClipmillError):
        log.add("b", "bad")
    folder.unlink()
    aside.rename(folder)
    log.add("c", "bad")
    assert answers_now(read_answers(workspace, "audit-1"), "ann") == {"a": "good", "c": "bad"}


def test_two_starts_at_once_get_two_names(run):
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda: names.append(start_audit(*run, wanted=5).blind.id))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == [f"audit-{k}" for k in range(1, 5)]


@pytest.mark.parametrize("name", ["audit-9", "../audit-1", "audit-1/../..", "", "audit-01"])
def test_an_unknown_audit_is_told(workspace, name):
    with pytest.raises(UsageError, match="no audit"):
        read_audit(workspace, name)


def test_damage_is_told_with_the_file(workspace):
    AnswerLog(workspace, "audit-1", "ann").add("a", "good")
    (file,) = Path(workspace.root).glob("audits/audit-1/answers/*.jsonl")
    file.write_text('{"judge": "ann"}\n')
    with pytest.raises(CorruptFileError, match=r"\.jsonl.*line 1"):
        read_answers(workspace, "audit-1")
    workspace.write_text("audits/audit-1/audit.json", "{}")
    with pytest.raises(CorruptFileError, match=r"audit\.json"):
        read_audit(workspace, "audit-1")
