"""Audits in a workspace: `audits/ID/audit.json`, and the answers beside it."""

import re

from pydantic import ValidationError

from clipmill.audit.answers import FOLDER, closed_judges, read_answers
from clipmill.audit.draw import draw_audit
from clipmill.audit.estimate import AuditResult, evaluate_audit
from clipmill.audit.schema import DrawnAudit, StrataBy
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.store.errors import CHECK, CorruptFileError
from clipmill.store.workspace import Workspace

AUDIT_FILE = "audit.json"
"""In the folder of an audit: what was drawn."""

_NAME = re.compile(r"audit-([1-9][0-9]{0,8})")
_TAKEN = re.compile(_NAME.pattern + r"(?:\.taken)?$")


def audit_names(workspace: Workspace) -> list[str]:
    """Return the names of all audits of which anything is there, oldest first."""
    found = [match for name in workspace.names(FOLDER) if (match := _NAME.fullmatch(name))]
    return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]


def audit_ids(workspace: Workspace) -> list[str]:
    """Return the audits of a workspace, oldest first, without those that were looked past."""
    return [
        name for name in audit_names(workspace) if AUDIT_FILE in workspace.names(f"{FOLDER}/{name}")
    ]


def _path(audit_id: str) -> str:
    return f"{FOLDER}/{audit_id}/{AUDIT_FILE}"


def read_audit(workspace: Workspace, audit_id: str) -> DrawnAudit:
    """Return an audit as it was drawn.

    Raises:
        UsageError: There is none of this name.
        CorruptFileError: Its file is damaged.
    """
    path = _path(audit_id)
    data = workspace.read_bytes(path) if _NAME.fullmatch(audit_id) else None
    if data is None:
        known = ", ".join(audit_ids(workspace)) or "none"
        raise UsageError(f"no audit {audit_id!r} in the workspace; there are: {known}")
    try:
        return DrawnAudit.model_validate_json(data)
    except ValidationError as error:
        reason = "it is no drawn audit, and its answers cannot be counted without it"
        raise CorruptFileError(f"{workspace.root}/{path}", reason, CHECK) from error


def start_audit(
    context: Context, listing: VideoList, *, wanted: int, by: StrataBy = "state"
) -> DrawnAudit:
    """Draw an audit of the last run and write it into the workspace, under the next free name.

    Raises:
        UsageError: See `draw_audit`.
        StorageError: The storage refused.
    """
    workspace = context.workspace
    taken = [match for name in workspace.names(FOLDER) if (match := _TAKEN.match(name))]
    number = 1 + max((int(match[1]) for match in taken), default=0)
    while not workspace.write_new(f"{FOLDER}/audit-{number}.taken", b""):
        number += 1  # somebody else has just taken this name
    drawn = draw_audit(context, listing, audit_id=f"audit-{number}", wanted=wanted, by=by)
    text = drawn.model_dump_json(indent=1)
    workspace.write_text(_path(drawn.blind.id), text + "\n")
    return drawn


def resume_audit(
    context: Context, listing: VideoList, *, judge: str, wanted: int, by: StrataBy = "state"
) -> DrawnAudit:
    """Return the newest audit of this kind that a judge is not done with, or draw another.

    Raises:
        UsageError: See `draw_audit`.
        CorruptFileError: A file of an audit is damaged.
        StorageError: The storage refused.
    """
    workspace = context.workspace
    for audit_id in reversed(audit_ids(workspace)):
        drawn = read_audit(workspace, audit_id)
        alike = (drawn.blind.wanted, drawn.blind.by) == (wanted, by)
        if alike and judge not in closed_judges(read_answers(workspace, audit_id)):
            return drawn
    return start_audit(context, listing, wanted=wanted, by=by)


def audit_results(workspace: Workspace) -> list[AuditResult]:
    """Return what all audits of a workspace come to, oldest first.

    Raises:
        CorruptFileError: A file of an audit is damaged.
    """
    return [
        evaluate_audit(read_audit(workspace, audit_id), read_answers(workspace, audit_id))
        for audit_id in audit_ids(workspace)
    ]
