"""What the steps of the last run gave, kept so that looking at it walks none of them again.

It is no second ledger: it holds only as long as every file that it follows from is the one that it
was made of, and it can be deleted at any time.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill import __version__
from clipmill.clips import VIDEO_ID_DIGITS
from clipmill.config import SamplesStep
from clipmill.errors import ClipmillError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import PATH as VIDEOS_FILE
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Population
from clipmill.pipeline.recorded.decided import make_previous, note_decided
from clipmill.pipeline.recorded.last_run import PIPELINE_FILE, STAGES_FILE
from clipmill.pipeline.recorded.report_files import read_report, reasons_table, write_report
from clipmill.pipeline.steps.compute import CHANGED
from clipmill.pipeline.steps.samples import read_sample_ids
from clipmill.pipeline.steps.selecting.written import cuts_path
from clipmill.pipeline.verdicts import StepReport
from clipmill.review.store import review_stamps
from clipmill.samples.table import samples_folder
from clipmill.store.errors import StorageError
from clipmill.store.tables import GROUP_ROWS, open_parquet, rows_with
from clipmill.store.workspace import Workspace

FOLDER = "walk"
INDEX = f"{FOLDER}/walk.json"
_REASONS = f"{FOLDER}/reasons.parquet"
_SAMPLES = f"{FOLDER}/samples.parquet"
_NAMES = f"{FOLDER}/names.parquet"

VERSION = 2
"""Raised when a step makes something else of the same rows, or this is written in another way."""


def remember(
    context: Context, listing: VideoList, reports: Sequence[StepReport], population: Population
) -> None:
    """Keep what a whole run gave, where a look at it would find the same.

    A storage that refuses it is no failure of the run: looking takes longer then.

    Args:
        context: Of the run.
        listing: Its videos, named by their content.
        reports: Outcomes of all its steps.
        population: Who is in behind the last one.
    """
    workspace = context.workspace
    if workspace.damages or any(report.pending or _has_changed(report) for report in reports):
        return
    with suppress(StorageError):
        note_decided(workspace, population, reports)
        _remember(context, listing, reports)


def _remember(context: Context, listing: VideoList, reports: Sequence[StepReport]) -> None:
    workspace = context.workspace
    ids = listing.names()["video_id"].combine_chunks()
    entries = [
        write_report(workspace, f"{FOLDER}/{number:02d}.parquet", ids, report)
        for number, report in enumerate(reports)
    ]
    workspace.write_table(_REASONS, reasons_table(reports))
    workspace.write_table(_SAMPLES, _samples(context))
    workspace.write_table(_NAMES, _names(listing), rows_per_group=GROUP_ROWS)
    tables = [_REASONS, _SAMPLES, _NAMES, *(entry["verdicts"] for entry in entries)]
    for name in workspace.names(FOLDER):
        if f"{FOLDER}/{name}" not in tables:
            workspace.remove(f"{FOLDER}/{name}")
    cuts = [cuts_path(path) for path in tables if not path.startswith(FOLDER)]
    known = {
        "version": VERSION,
        "clipmill": __version__,
        "texts": _texts(workspace),
        "folders": {folder: _tables(workspace, folder) for folder in _folders(context)},
        "review": dict(context.review.stamps),
        "files": {path: workspace.stamp(path) for path in (VIDEOS_FILE, *tables, *cuts)},
        "reports": entries,
    }
    workspace.write_text(INDEX, json.dumps(known, indent=1) + "\n")


def recall(workspace: Workspace) -> list[StepReport] | None:
    """Return the outcomes of the steps of the last run; None where they have to be evaluated."""
    try:
        known = json.loads(workspace.read_bytes(INDEX) or b"{}")
        if workspace.damages or not known or not _holds(workspace, known):
            return None
        reasons = workspace.read_table(_REASONS)
    except (ValueError, KeyError, OSError, ClipmillError):
        return None  # damaged, or not to be read now: evaluating the steps tells
    if reasons is None:
        return None

    @cache
    def place_of(video_id: str) -> int:
        places: list[int] = _rows_of(workspace, _NAMES, video_id)["place"].to_pylist()
        return places[0] if places else -1

    return [
        read_report(workspace, entry, reasons.filter(pc.equal(reasons["report"], number)), place_of)
        for number, entry in enumerate(known["reports"])
    ]


def judged_since(workspace: Workspace) -> bool:
    """Tell whether there are judgements that the last whole run has not seen."""
    try:
        known = json.loads(workspace.read_bytes(INDEX) or b"{}").get("review", {})
    except (ValueError, AttributeError, ClipmillError):
        return False  # what the last run saw is not known
    return bool(review_stamps(workspace) != known)


def forget(workspace: Workspace) -> None:
    """Have the steps evaluated: a run is about to change what they follow from."""
    workspace.remove(INDEX)
    make_previous(workspace)


def sample_ids_of(workspace: Workspace, video_id: str) -> list[str]:
    """Return the ids of a video's samples, of a run whose outcomes were recalled."""
    found: list[str] = _rows_of(workspace, _SAMPLES, video_id)["sample_id"].to_pylist()
    return found


def names_of(workspace: Workspace, video_id: str) -> pa.Table:
    """Return the entries of an id, of a run whose outcomes were recalled; see `VideoList.names`."""
    return _rows_of(workspace, _NAMES, video_id).drop_columns(["place"])


def _rows_of(workspace: Workspace, path: str, video_id: str) -> pa.Table:
    with workspace.opened(path) as source, open_parquet(source) as file:
        return rows_with(file, "video_id", video_id)


def _has_changed(report: StepReport) -> bool:
    """Tell whether a step went on without files that changed while they were read.

    A look at the run finds them pending.
    """
    rules = report.decided.reasons["rule"]
    return report.kind == "annotate" and bool(pc.any(pc.starts_with(rules, f"{CHANGED}:")).as_py())


def _holds(workspace: Workspace, known: dict[str, Any]) -> bool:
    """Tell whether everything is as it was."""
    if (known["version"], known["clipmill"]) != (VERSION, __version__):
        return False
    return (
        review_stamps(workspace) == known["review"]
        and _texts(workspace) == known["texts"]
        and all(workspace.stamp(path) == stamp for path, stamp in known["files"].items())
        and all(_tables(workspace, folder) == was for folder, was in known["folders"].items())
    )


def _texts(workspace: Workspace) -> dict[str, str]:
    """Return what is in the files that every run writes again."""
    contents = {name: workspace.read_bytes(name) for name in (PIPELINE_FILE, STAGES_FILE)}
    return {name: hashlib.sha256(data or b"").hexdigest() for name, data in contents.items()}


def _folders(context: Context) -> Iterator[str]:
    """Yield the folders of which every table counts."""
    yield from (stage.table.path for stage in context.stages.values())
    yield from (samples_folder(s.samples) for s in context.pipeline.steps_of(SamplesStep))


def _tables(workspace: Workspace, folder: str) -> dict[str, str]:
    stamps = workspace.stamps(folder)
    return {name: stamp for name, stamp in sorted(stamps.items()) if name.endswith(".parquet")}


def _names(listing: VideoList) -> pa.Table:
    """Return the names of all that was listed, by id, with their place in the listing."""
    names = listing.names()
    names = names.append_column("place", pa.array(np.arange(names.num_rows)))
    return names.take(pc.sort_indices(names["video_id"]))


def _samples(context: Context) -> pa.Table:
    """Return the ids of all samples and of their videos."""
    ids = pa.array(read_sample_ids(context), pa.string())
    return pa.table(
        {"video_id": pc.utf8_slice_codeunits(ids, 0, VIDEO_ID_DIGITS), "sample_id": ids}
    )
