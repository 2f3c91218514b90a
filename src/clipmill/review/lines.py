"""Files of judgements: one JSON object a line, each line checked for itself.

A file that was cut off, or damaged in the middle, costs the lines that it hit and no other.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from clipmill.review.judgement import VERSION, Judgement

SUFFIX: Final = ".jsonl"
_LONGEST_LINE: Final = 1 << 16
"""Bytes; the longest caption in JSON is shorter."""


@dataclass(frozen=True)
class ReadLines:
    """What a file holds.

    Attributes:
        rows: Judgements, in order.
        lost: Lines that cannot be read.
        reason: Why the first of them cannot; empty when there is none.
        newer: Lines of a later version of clipmill, which are left alone.
        good: The lines that are not lost, as they were.
    """

    rows: tuple[Judgement, ...]
    lost: int = 0
    reason: str = ""
    newer: int = 0
    good: bytes = b""


def judgement_line(row: Judgement) -> bytes:
    """Return a judgement as a line of a file."""
    text = json.dumps({"id": row.id, **row.model_dump(mode="json")}, ensure_ascii=False)
    return text.encode() + b"\n"


def read_lines(data: bytes) -> ReadLines:
    """Read a file of judgements; what cannot be read is counted."""
    rows: list[Judgement] = []
    good: list[bytes] = []
    lost, newer, reason = 0, 0, ""
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = _read_line(line)
        except ValueError as error:
            lost, reason = lost + 1, reason or f"line {number}: {_first(error)}"
            continue
        good.append(line)
        if row is None:
            newer += 1
        else:
            rows.append(row)
    return ReadLines(tuple(rows), lost, reason, newer, b"".join(line + b"\n" for line in good))


def _read_line(line: bytes) -> Judgement | None:
    """Return the judgement of a line; None where it is of a later version.

    Raises:
        ValueError: It is none.
    """
    if len(line) > _LONGEST_LINE:
        raise ValueError(f"{len(line)} bytes, at most {_LONGEST_LINE} are read")
    try:
        found = json.loads(line)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it is no judgement")
    version = found.get("version")
    if type(version) is int and version > VERSION:
        return None
    named = found.pop("id", "")
    row = Judgement.model_validate(found)
    if row.id != named or not row.when:
        raise ValueError("its content is not that of its id: it was altered")
    return row


def _first(error: ValueError) -> str:
    """Return what is wrong, in one short line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()[:200]
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON: {error.msg}"
    return str(error)[:200]


def joined_lines(rows: Iterable[Judgement]) -> bytes:
    """Return judgements as a file."""
    return b"".join(map(judgement_line, rows))
