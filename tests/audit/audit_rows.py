"""Populations with known truth, drawn and judged."""

from collections.abc import Mapping

import pyarrow as pa

from clipmill.audit.answers import AnswerRow
from clipmill.audit.draw import draw_from
from clipmill.audit.schema import DrawnAudit, StrataBy


def population(groups: Mapping[tuple[str, str, str], int]) -> pa.Table:
    """Return clips of (status, step, source), so many of each."""
    rows = []
    for number, ((status, step, source), count) in enumerate(groups.items()):
        for k in range(count):
            rows.append(
                {
                    "clip_id": f"{number:016x}-{k:06d}-{k + 81:06d}",
                    "status": status,
                    "step": step or None,
                    "reason": f"rule of {step}" if step else None,
                    "source": source,
                    "path": f"v{number}.mp4",
                }
            )
    return pa.Table.from_pylist(rows)


def drawn(clips: pa.Table, wanted: int, by: StrataBy = "state", audit_id: str = "a") -> DrawnAudit:
    return draw_from(clips, audit_id=audit_id, wanted=wanted, by=by)


def judged(
    answers: Mapping[str, str], judge: str = "ann", *, close: bool = True
) -> list[AnswerRow]:
    """Return the rows of a judge who answered so."""
    rows = [
        AnswerRow(judge=judge, clip_id=clip_id, answer=word, at=f"2026-01-01T00:00:{k:09.6f}")
        for k, (clip_id, word) in enumerate(answers.items())
    ]
    end = AnswerRow(judge=judge, clip_id="", answer="closed", at="2026-01-02T00:00:00.000000")
    return [*rows, end] if close else rows
