"""Draws the clips of an audit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.audit.schema import (
    DROPPED,
    KEPT,
    AuditStratum,
    AuditVerdict,
    BlindAudit,
    DrawnAudit,
    StrataBy,
)
from clipmill.clips import seed_for
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.results.opened import Results

LEAST: Final = 2
"""Clips that are drawn of every stratum that has as many, where the sample has room."""

_COLUMNS: Final = ("clip_id", "status", "step", "reason", "source", "path")


def draw_audit(
    context: Context, listing: VideoList, *, audit_id: str, wanted: int, by: StrataBy = "state"
) -> DrawnAudit:
    """Draw kept and dropped clips of the last run.

    The same id draws the same clips of the same run.

    Args:
        context: Workspace and pipeline of the run.
        listing: Its videos.
        audit_id: Name of the audit.
        wanted: Clips to draw; all when there are fewer.
        by: What the sample is divided by.

    Raises:
        UsageError: The run is unfinished, or has no clip that was kept or dropped.
    """
    results = Results(context, listing)
    if results.clips("pending").num_rows:
        raise UsageError("the run is not finished: `clipmill run` goes on; then draw an audit")
    clips = results.clips([KEPT, DROPPED]).select(list(_COLUMNS))
    clips = clips.filter(clips["clip_id"].is_valid())
    if not clips.num_rows:
        raise UsageError("the last run has no clip to judge")
    return draw_from(clips, audit_id=audit_id, wanted=wanted, by=by)


def draw_from(clips: pa.Table, *, audit_id: str, wanted: int, by: StrataBy) -> DrawnAudit:
    """Draw from clips; see `draw_audit`.

    Args:
        clips: `clip_id`, `status` (`kept` or `dropped`), `step`, `reason`, `source`, `path`.
        audit_id: Name of the audit.
        wanted: Clips to draw.
        by: What the sample is divided by.
    """
    # By id, so that the draw does not depend on the order of the listing.
    clips = clips.take(pc.sort_indices(clips["clip_id"]))
    clips = clips.append_column("stratum", _names(clips, by))
    counts = clips.group_by(["status", "stratum"]).aggregate([("clip_id", "count")]).to_pylist()
    sizes = {(row["status"], row["stratum"]): row["clip_id_count"] for row in counts}
    sizes = dict(sorted(sizes.items(), key=lambda item: (item[0][0] != KEPT, item[0][1])))
    random = np.random.default_rng(seed_for("audit", audit_id))
    if by == "none":
        # Of one population: how many of each state there are is left to chance.
        chosen = random.choice(len(clips), size=min(wanted, len(clips)), replace=False)
    else:
        shares = _shares(sizes, wanted)
        parts = []
        for key, count in shares.items():
            members = np.flatnonzero(np.asarray(pc.equal(clips["stratum"], key[1])))
            parts.append(random.choice(members, size=count, replace=False))
        chosen = np.concatenate(parts)
    random.shuffle(chosen)
    rows = clips.take(pa.array(chosen)).to_pylist()
    drawn = Counter(row["stratum"] for row in rows)
    return DrawnAudit(
        blind=BlindAudit(
            id=audit_id,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            wanted=wanted,
            by=by,
            clips=tuple(row["clip_id"] for row in rows),
        ),
        strata=tuple(
            AuditStratum(name=name, state=state, clips=count, drawn=drawn[name])
            for (state, name), count in sizes.items()
        ),
        verdicts={row["clip_id"]: _verdict(row) for row in rows},
    )


def _names(clips: pa.Table, by: StrataBy) -> pa.ChunkedArray:
    """Return the name of every clip's stratum; no two states share one."""
    state = clips["status"]
    if by == "step":
        at = pc.binary_join_element_wise("dropped at", pc.fill_null(clips["step"], "?"), " ")
        return pc.if_else(pc.equal(state, DROPPED), at, state)
    if by == "source":
        source = pc.fill_null(clips["source"], "")
        source = pc.if_else(pc.equal(source, ""), "(unnamed)", source)
        return pc.binary_join_element_wise(
            state, pc.binary_join_element_wise("source", source, " "), ", "
        )
    return state


def _verdict(row: Mapping[str, Any]) -> AuditVerdict:
    return AuditVerdict(
        stratum=row["stratum"],
        state=row["status"],
        step=row["step"] or "",
        reason=row["reason"] or "",
        source=row["source"] or "",
        path=row["path"] or "",
    )


def _shares(sizes: Mapping[tuple[str, str], int], wanted: int) -> dict[tuple[str, str], int]:
    """Return how many to draw of each stratum: half kept, half dropped, in proportion within."""
    states = {state: sum(n for key, n in sizes.items() if key[0] == state) for state, _ in sizes}
    half = wanted // 2
    room = {KEPT: wanted - half, DROPPED: half}
    other = {KEPT: DROPPED, DROPPED: KEPT}
    shares: dict[tuple[str, str], int] = {}
    for state, size in states.items():
        unused = max(0, room[other[state]] - states.get(other[state], 0))
        mine = [key for key in sizes if key[0] == state]
        given = allocate([sizes[key] for key in mine], min(size, room[state] + unused))
        shares |= dict(zip(mine, given, strict=True))
    return shares


def allocate(sizes: Sequence[int], count: int) -> list[int]:
    """Divide a sample over strata in proportion to their sizes, a few of each at least.

    Args:
        sizes: Members of each stratum.
        count: Members to draw, at most the sum of `sizes`.

    Returns:
        How many of each; `count` in all.
    """
    given = [0] * len(sizes)
    for _ in range(LEAST):
        for place, size in enumerate(sizes):
            if given[place] < size and sum(given) < count:
                given[place] += 1
    total = sum(sizes)
    while sum(given) < count:
        # Whoever is farthest behind its share comes next (d'Hondt's method).
        open_ = [k for k, size in enumerate(sizes) if given[k] < size]
        place = max(open_, key=lambda k: (sizes[k] / total) / (given[k] + 1))
        given[place] += 1
    return given
