"""Damaged files of a workspace: moved aside, and what takes their place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from clipmill.pipeline.inputs.videos import PATH as VIDEOS_FILE
from clipmill.pipeline.recorded.decided import FOLDER as DECIDED_FOLDER
from clipmill.pipeline.recorded.last_run import PIPELINE_FILE, STAGES_FILE, last_pipeline
from clipmill.review.store import FOLDER, check_judgements, keep_good_lines, review_stamps
from clipmill.store.dates import DATES
from clipmill.store.errors import CorruptFileError, StorageError
from clipmill.store.integrity import (
    Damage,
    FileCheck,
    check_json,
    check_table,
    find_damage,
    move_aside,
)
from clipmill.store.workspace import MARKER, Workspace, marker_bytes


@dataclass(frozen=True)
class Repaired:
    """A damaged file that was moved aside.

    Attributes:
        damage: What was found.
        moved_to: Where the file is now, relative to the workspace.
        then: What becomes of its content.
    """

    damage: Damage
    moved_to: str
    then: str


@dataclass(frozen=True)
class KeptRecords:
    """Records that nothing computes again: what people said.

    Attributes:
        folder: Where they are, at the top of the workspace.
        checks: Gives their files, and how each is read.
        instead: Given the workspace, where a damaged file was moved to, and its path: puts in its
            place what can be read of it, and returns what becomes of it, for people.
    """

    folder: str
    checks: Callable[[Workspace], Mapping[str, FileCheck]]
    instead: Callable[[Workspace, str, str], str]


def _judgement_checks(workspace: Workspace) -> Mapping[str, FileCheck]:
    return {f"{FOLDER}/{name}": check_judgements for name in review_stamps(workspace)}


def _judgements_instead(workspace: Workspace, moved_to: str, path: str) -> str:
    kept = keep_good_lines(workspace, moved_to, path)
    return f"the {kept} judgements that can be read are in its place; the others are lost"


JUDGEMENTS = KeptRecords(FOLDER, _judgement_checks, _judgements_instead)

_DECIDED = KeptRecords(
    DECIDED_FOLDER,
    lambda _: {},  # tables, which are read as all are
    lambda *_: "what that run decided is not known any more; the next ones note theirs",
)


def _check_pipeline(workspace: Workspace, path: str) -> None:
    last_pipeline(workspace)


_LAST_RUN = {PIPELINE_FILE: _check_pipeline, STAGES_FILE: check_json, VIDEOS_FILE: check_table}
"""Files that say what the last run was; each has a copy."""


def find_all_damage(
    workspace: Workspace,
    *,
    records: Sequence[KeptRecords] = (JUDGEMENTS,),
    on_file: Callable[[str], None] | None = None,
) -> list[Damage]:
    """Read every file of a workspace and return those that are damaged.

    Args:
        workspace: It.
        records: Those of what people said.
        on_file: Called with every path before it is read.

    Raises:
        StorageError: A file cannot be read by this machine now, which is no damage.
    """
    checks: dict[str, FileCheck] = {**_LAST_RUN}
    for kind in records:
        checks |= kind.checks(workspace)
    return list(find_damage(workspace, checks=checks, on_file=on_file))


def repair(
    workspace: Workspace, damage: Damage, *, records: Sequence[KeptRecords] = (JUDGEMENTS,)
) -> Repaired:
    """Move a damaged file aside, and put its copy in its place where there is a good one.

    Args:
        workspace: It, locked.
        damage: One of `find_all_damage`.
        records: As there.

    Raises:
        StorageError: The storage refused; the file is where it was.
    """
    moved_to = move_aside(workspace, damage.path)
    try:
        return Repaired(damage, moved_to, _instead(workspace, damage, moved_to, records))
    except StorageError:
        workspace.move(moved_to, damage.path)
        raise


def _instead(
    workspace: Workspace, damage: Damage, moved_to: str, records: Sequence[KeptRecords]
) -> str:
    path = damage.path
    if path == MARKER:
        workspace.write_bytes(MARKER, marker_bytes())
        return "it has been written again"
    if path in _LAST_RUN:
        if _restore(workspace, path):
            return "the copy of the last run is in its place"
        return "there is no good copy: run again with the same --input and pipeline"
    top, name = path.split("/")[:2]
    for kind in (*records, _DECIDED):
        if top == kind.folder:
            return kind.instead(workspace, moved_to, path)
    rows = "its rows" if damage.rows is None else f"its {damage.rows} rows"
    if top == "annotations" and path.endswith(".parquet"):
        return f"{rows} of {name} are computed again by the next run"
    dated = f"the rows of {name} have the dates of their files again; none is lost"
    return dated if top == DATES else "the next run writes it again, without computing anything"


def _restore(workspace: Workspace, path: str) -> bool:
    data = workspace.copies.read_bytes(path)
    if data is None:
        return False
    try:
        _LAST_RUN[path](workspace.copies, path)
    except CorruptFileError:
        return False
    workspace.write_bytes(path, data)
    return True
