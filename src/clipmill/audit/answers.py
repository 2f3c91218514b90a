"""What judges answered: rows that are only ever added to.

Every session of judging has a file of its own in `audits/ID/answers/`, so that no two of them ever
write one file, and the files of several people are merged by copying them into one folder.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from clipmill.audit.schema import Judged
from clipmill.store.errors import CHECK, CorruptFileError
from clipmill.store.workspace import Workspace

FOLDER = "audits"


class AnswerRow(BaseModel):
    """One thing that a judge did.

    Attributes:
        judge: Name of the judge.
        clip_id: The clip; empty for `closed`.
        answer: `good`, `bad` or `unsure`; `undone`: the clip's answer was taken back; `closed`: the
            judge is done, and may see the verdicts from then on.
        at: ISO 8601 time, UTC, with microseconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    clip_id: str
    answer: Judged | Literal["undone", "closed"]
    at: str


_ANSWERS: TypeAdapter[dict[str, Judged]] = TypeAdapter(dict[str, Judged])


class AnswerLog:
    """The answers of one judge in one session.

    Args:
        workspace: Where they are written.
        audit_id: The audit.
        judge: Who answers.
    """

    def __init__(self, workspace: Workspace, audit_id: str, judge: str) -> None:
        self._workspace, self._judge = workspace, judge
        self._path = f"{FOLDER}/{audit_id}/answers/{secrets.token_hex(8)}.jsonl"
        self._rows: list[AnswerRow] = []

    def add(
        self,
        clip_id: str,
        answer: Judged | Literal["undone", "closed"],
        *,
        now: datetime | None = None,
    ) -> AnswerRow:
        """Write one more row; it is on the disk when this returns.

        Args:
            clip_id: The clip; empty for `closed`.
            answer: See `AnswerRow`.
            now: When; the present moment when None.

        Raises:
            StorageError: The storage refused; nothing was written.
        """
        at = (now or datetime.now(UTC)).isoformat(timespec="microseconds")
        row = AnswerRow(judge=self._judge, clip_id=clip_id, answer=answer, at=at)
        rows = [*self._rows, row]
        text = "".join(f"{one.model_dump_json()}\n" for one in rows)
        self._workspace.write_text(self._path, text)
        self._rows = rows
        return row


@dataclass(frozen=True)
class AnswerLines:
    """What a file of answers holds.

    Attributes:
        rows: Answers, in order.
        good: Their lines as they were.
        lost: Lines that cannot be read.
        reason: What is wrong, for people; empty when nothing is.
    """

    rows: tuple[AnswerRow, ...]
    good: bytes
    lost: int
    reason: str


def read_answer_lines(data: bytes) -> AnswerLines:
    """Read a file of answers line by line; a damaged line costs no other."""
    rows: list[AnswerRow] = []
    good: list[bytes] = []
    bad: list[int] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(AnswerRow.model_validate_json(line))
        except ValidationError:
            bad.append(number)
        else:
            good.append(line + b"\n")
    reason = f"line {bad[0]} is no answer; {len(rows)} others can be read" if bad else ""
    return AnswerLines(tuple(rows), b"".join(good), len(bad), reason)


def read_answers(workspace: Workspace, audit_id: str) -> list[AnswerRow]:
    """Return all rows of an audit, oldest first.

    Raises:
        CorruptFileError: A file of answers is damaged.
    """
    folder = f"{FOLDER}/{audit_id}/answers"
    found: list[tuple[str, str, int, AnswerRow]] = []
    for name in workspace.names(folder):
        if not name.endswith(".jsonl"):
            continue
        lines = read_answer_lines(workspace.read_bytes(f"{folder}/{name}") or b"")
        if lines.lost:
            raise CorruptFileError(f"{workspace.root}/{folder}/{name}", lines.reason, CHECK)
        found += [(row.at, name, number, row) for number, row in enumerate(lines.rows)]
    return [row for *_, row in sorted(found, key=lambda entry: entry[:3])]


def answers_now(rows: Iterable[AnswerRow], judge: str) -> dict[str, Judged]:
    """Return what a judge says of each clip by now, in the order of the answers.

    Args:
        rows: Oldest first.
        judge: Whose.
    """
    now: dict[str, str] = {}
    for row in rows:
        if row.judge == judge and row.answer != "closed":
            now.pop(row.clip_id, None)
            if row.answer != "undone":
                now[row.clip_id] = row.answer
    return _ANSWERS.validate_python(now)


def closed_judges(rows: Sequence[AnswerRow]) -> list[str]:
    """Return the judges that are done, sorted."""
    return sorted({row.judge for row in rows if row.answer == "closed"})


def answers_of(rows: Sequence[AnswerRow]) -> Mapping[str, Mapping[str, Judged]]:
    """Return what each judge that is done says of each clip: only those may be shown or counted."""
    return {judge: answers_now(rows, judge) for judge in closed_judges(rows)}
