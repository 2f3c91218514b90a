"""Workspaces of many made-up videos: real (and tiny) files, rows written as a run leaves them.

    python benchmarks/scale/made_up.py FOLDER COUNT

writes FOLDER/videos, FOLDER/ws and FOLDER/pipeline.yaml; see `population.py`.
"""

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from clipmill.clips import text_id_for
from clipmill.config import Pipeline, SourceConfig, dump_pipeline, load_profile
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.sources import list_sources
from clipmill.store.codecs import encode_array
from clipmill.store.merge import PART_ROWS
from clipmill.store.parts import OK, WHOLE_LEVEL, PartName, Parts
from clipmill.store.storage.local import LocalStorage
from clipmill.store.workspace import Workspace

FRAMES = 120
FILES_PER_FOLDER = 1000
LINKS_PER_FILE = 30_000
"""ext4 allows 65,000 names of one file."""

SEED = 11

LAST = "caption"
"""Last step: what comes behind it has a row per object, which is another matter."""

OfKeys = Callable[[np.random.Generator, pa.Array], pa.Array]
"""Makes a column of the keys of its rows."""

Make = Callable[[np.random.Generator, int], pa.Array]


def _scores(low: float, high: float) -> Make:
    return lambda random, count: pa.array(random.uniform(low, high, count))


_SINGLE_SHOT = encode_array(np.zeros(FRAMES, np.float32))
_TWO_SHOTS = encode_array(np.where(np.arange(FRAMES) == 5, 1.0, 0.0).astype(np.float32))


def _shots(random: np.random.Generator, count: int) -> pa.Array:
    """Scores of which one in fifty has a cut at frame 5."""
    kinds = pa.array([_SINGLE_SHOT, _TWO_SHOTS], pa.binary())
    return kinds.take(pa.array((random.random(count) < 0.02).astype(np.int8)))


VALUES: Mapping[str, Any] = {
    "width": 1280,
    "height": 720,
    "aspect_ratio": 16 / 9,
    "fps": 25.0,
    "num_frames": FRAMES,
    "num_decoded": FRAMES,
    "threshold": 0.5,
    "scores": _shots,
    "text_area": _scores(0.0, 0.5),
    "clarity": _scores(0.0, 1000.0),
    "camera.rotation": _scores(0.0, 5.0),
    "translation": _scores(0.0, 5.0),
    "zoom": _scores(0.0, 1.0),
    "convertible": True,
    "sample_aspect": 1.0,
    "damaged_frames": 0,
    "first_damaged": None,
    "num_objects": 1,
    "origin": "provided",
}


def _no_video(number: int) -> bytes:
    return f"video {number}".encode()


def make_files(folder: Path, count: int, *, content: Callable[[int], bytes] = _no_video) -> None:
    """Make videos by name: links to a few files, by default of a few bytes.

    An idle run opens none of them.
    """
    for number in range(count):
        place = folder / f"{number // FILES_PER_FOLDER:04d}" / f"v{number:07d}.mp4"
        if number % FILES_PER_FOLDER == 0:
            place.parent.mkdir(parents=True, exist_ok=True)
        if number % LINKS_PER_FILE == 0:
            first = place
            place.write_bytes(content(number))
        else:
            place.hardlink_to(first)


def pipeline_of(videos: Path) -> Pipeline:
    """Return the profile `embedded` up to what is asked of clips as a whole."""
    pipeline = load_profile("embedded")
    titles = [step.title for step in pipeline.steps]
    steps = pipeline.steps[: titles.index(LAST) + 1]
    source = SourceConfig(path=str(videos))
    return pipeline.model_copy(update={"steps": steps, "sources": (source,)})


def make(
    folder: Path,
    count: int,
    *,
    content: Callable[[int], bytes] = _no_video,
    own: Mapping[str, OfKeys] | None = None,
) -> None:
    """Make videos, and a workspace in which all is done but for the verdicts.

    Args:
        folder: Where to.
        count: Videos.
        content: Bytes of a file.
        own: See `write_rows`.
    """
    make_files(folder / "videos", count, content=content)
    pipeline = pipeline_of(folder / "videos")
    listing = VideoList.of(list_sources(pipeline.sources))
    contents = [
        hashlib.blake2b(uri.encode(), digest_size=16).hexdigest()
        for uri in listing.videos.table["uri"].to_pylist()
    ]
    files = dict(zip(listing.file_ids.to_pylist(), contents, strict=True))
    write_rows(Workspace.open(folder / "ws", create=True), pipeline, files, own=own)
    (folder / "pipeline.yaml").write_text(dump_pipeline(pipeline))


def write_rows(
    workspace: Workspace,
    pipeline: Pipeline,
    files: Mapping[str, str],
    *,
    own: Mapping[str, OfKeys] | None = None,
) -> None:
    """Write a row for every clip into every annotation of a pipeline.

    Args:
        workspace: Where to.
        pipeline: Its windows and shots leave the clips whole, but for those with a cut.
        files: Content digests by `file_id`.
        own: Columns by `annotation.column` that are made of the keys of their rows.
    """
    keys = pa.array(list(files), pa.string())
    contents = pa.array(list(files.values()), pa.string())
    clips = pa.array([f"{c[:16]}-000000-{FRAMES:06d}" for c in files.values()], pa.string())
    later = pa.array([f"{c[:16]}-000005-{FRAMES:06d}" for c in files.values()], pa.string())
    context = Context(workspace, pipeline)
    random = np.random.default_rng(SEED)
    cut = False
    for step in pipeline.steps:
        cut |= step.title == "shot split"
        name = getattr(step, "annotate", "")
        if not name:
            continue
        stage = context.stages[name]
        of_file = stage.backend.level == "video"
        rows = keys if of_file else pa.concat_arrays([clips, later]) if cut else clips
        made = {
            column.removeprefix(f"{name}."): make_column(random, rows)
            for column, make_column in (own or {}).items()
            if column.startswith(f"{name}.")
        }
        _write(workspace, stage, rows, random, **made, **({"content": contents} if of_file else {}))


def _write(
    workspace: Workspace,
    stage: Stage,
    keys: pa.Array,
    random: np.random.Generator,
    **own: pa.Array,
) -> None:
    order = pa.compute.sort_indices(keys)
    table = pa.table(
        {field.name: _column(stage, field, keys, random, own) for field in stage.table.schema},
        schema=stage.table.schema,
    ).take(order)
    storage = LocalStorage(Path(workspace.root))
    parts = Parts(storage, stage.table.path, stage.table.schema, stage.table.key)
    for first in range(0, table.num_rows, PART_ROWS):
        part = table.slice(first, PART_ROWS).combine_chunks()
        parts.write(
            PartName.new(1, WHOLE_LEVEL),
            rows=part.num_rows,
            fetch=lambda start, stop, part=part: part.slice(start, stop - start),
        )
    stage.table.write_manifest(stage.manifest)


def _column(
    stage: Stage,
    field: pa.Field,
    keys: pa.Array,
    random: np.random.Generator,
    own: Mapping[str, pa.Array],
) -> pa.Array:
    name, count = field.name, len(keys)
    if name == stage.table.key:
        return keys
    if name in own:
        return own[name]
    fixed = {"status": OK, "error_kind": "", "error": "", "seconds": 0.01, "given": text_id_for("")}
    known = fixed | VALUES
    value = known.get(f"{stage.step.annotate}.{name}", known.get(name))
    if value is None and name not in known:
        value = _default(stage.backend.Row, name, field.type)
    if callable(value):
        return value(random, count)
    return pa.array([value], field.type).take(pa.array(np.zeros(count, np.int8)))


def _default(row: type, name: str, kind: pa.DataType) -> Any:
    known = {field.name: field.default for field in fields(row)}
    if known.get(name, MISSING) is not MISSING:
        return known[name]
    if pa.types.is_list(kind):
        return []
    if pa.types.is_struct(kind):
        return None
    plain = {"int64": 1, "double": 0.5, "string": "", "binary": b"", "bool": False}
    return plain[str(kind)]


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
