"""Damaged files of a workspace: moved aside, and what takes their place."""

from collections.abc import Callable
from dataclasses import dataclass

from clipmill.pipeline.inputs.videos import PATH as VIDEOS_FILE
from clipmill.pipeline.recorded.last_run import PIPELINE_FILE, STAGES_FILE, last_pipeline
from clipmill.review.store import FOLDER, check_judgements, keep_good_lines, review_stamps
from clipmill.store.dates import DATES
from clipmill.store.errors import CorruptFileError, StorageError
from clipmill.store.integrity import Damage, check_json, check_table, find_damage, move_aside
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


def _check_pipeline(workspace: Workspace, path: str) -> None:
    last_pipeline(workspace)


_LAST_RUN = {PIPELINE_FILE: _check_pipeline, STAGES_FILE: check_json, VIDEOS_FILE: check_table}
"""Files that say what the last run was; each has a copy."""


def find_all_damage(
    workspace: Workspace, *, on_file: Callable[[str], None] | None = None
) -> list[Damage]:
    """Read every file of a workspace and return those that are damaged.

    Raises:
        StorageError: A file cannot be read by this machine now, which is no damage.
    """
    judged = {f"{FOLDER}/{name}": check_judgements for name in review_stamps(workspace)}
    return list(find_damage(workspace, checks=_LAST_RUN | judged, on_file=on_file))


def repair(workspace: Workspace, damage: Damage) -> Repaired:
    """Move a damaged file aside, and put its copy in its place where there is a good one.

    Args:
        workspace: It, locked.
        damage: One of `find_all_damage`.

    Raises:
        StorageError: The storage refused; the file is where it was.
    """
    moved_to = move_aside(workspace, damage.path)
    try:
        return Repaired(damage, moved_to, _instead(workspace, damage, moved_to))
    except StorageError:
        workspace.move(moved_to, damage.path)
        raise


def _instead(workspace: Workspace, damage: Damage, moved_to: str) -> str:
    path = damage.path
    if path == MARKER:
        workspace.write_bytes(MARKER, marker_bytes())
        return "it has been written again"
    if path in _LAST_RUN:
        if _restore(workspace, path):
            return "the copy of the last run is in its place"
        return "there is no good copy: run again with the same --input and pipeline"
    top, name = path.split("/")[:2]
    if top == FOLDER:
        kept = keep_good_lines(workspace, moved_to, path)
        return f"the {kept} judgements that can be read are in its place; the others are lost"
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
