"""Damaged files of audits: found line by line, and what is kept of them.

What people judged is never deleted: a damaged file is moved aside whole, and the lines of it that
can be read take its place.
"""

from collections.abc import Iterator, Mapping

from clipmill.audit.answers import FOLDER, read_answer_lines
from clipmill.audit.files import AUDIT_FILE, audit_names, read_audit
from clipmill.pipeline.recorded.repair import KeptRecords
from clipmill.store.errors import CHECK, CorruptFileError
from clipmill.store.integrity import FileCheck
from clipmill.store.workspace import Workspace


def audit_checks(workspace: Workspace) -> Mapping[str, FileCheck]:
    """Return the files of all audits of a workspace, and how each is read."""
    return dict(_checks(workspace))


def _checks(workspace: Workspace) -> Iterator[tuple[str, FileCheck]]:
    for audit_id in audit_names(workspace):
        folder = f"{FOLDER}/{audit_id}"
        if AUDIT_FILE in workspace.names(folder):
            yield f"{folder}/{AUDIT_FILE}", _check_audit
        for name in workspace.names(f"{folder}/answers"):
            if name.endswith(".jsonl") and not name.startswith("."):
                yield f"{folder}/answers/{name}", _check_answers


def _check_audit(workspace: Workspace, path: str) -> None:
    read_audit(workspace, path.split("/")[1])


def _check_answers(workspace: Workspace, path: str) -> None:
    lines = read_answer_lines(workspace.read_bytes(path) or b"")
    if lines.lost:
        raise CorruptFileError(f"{workspace.root}/{path}", lines.reason, CHECK)


def audit_instead(workspace: Workspace, moved_to: str, path: str) -> str:
    """Put what can be read of a damaged file in its place; return what becomes of it."""
    if path.endswith(f"/{AUDIT_FILE}"):
        return (
            "what was drawn is lost, and its answers, which are where they were, count again once "
            "it is back; draw another audit with `clipmill browse --audit`"
        )
    lines = read_answer_lines(workspace.read_bytes(moved_to) or b"")
    if lines.good:
        workspace.write_bytes(path, lines.good)
    return f"the {len(lines.rows)} answers that can be read are in its place; {lines.lost} are lost"


AUDITS = KeptRecords(FOLDER, audit_checks, audit_instead)
"""For `find_all_damage` and `repair`."""
