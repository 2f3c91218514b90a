"""Row types and outcomes for tests of the store; also imported by the processes they kill."""

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from clipmill.store import Outcome


@dataclass(frozen=True)
class Part:
    """An entry of a list."""

    name: str
    area: float
    blob: bytes
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """An entry that holds a list itself."""

    index: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Row:
    """Every kind of field a record may have."""

    number: int
    score: float
    label: str
    blob: bytes
    flag: bool
    maybe: float | None
    parts: tuple[Part, ...]
    groups: tuple[Group, ...]


def row(number: int, *, blob_size: int = 20) -> Row:
    """Return a row that depends on its number only."""
    parts = tuple(
        Part(f"p{number}-{n}", number + n / 10, bytes([n]) * n, ("t",) * n)
        for n in range(number % 4)
    )
    return Row(
        number=number,
        score=number / 3,
        label=f"label {number % 5}",
        blob=number.to_bytes(8, "big") * (blob_size // 8),
        flag=number % 2 == 0,
        maybe=None if number % 3 else float("nan"),
        parts=parts,
        groups=tuple(Group(n, parts[:n]) for n in range(number % 3)),
    )


def key(number: int) -> str:
    """Return the key of a row; keys of neighbours lie far apart."""
    return f"{number * 7919 % 100_003:06d}"


def ok(number: int, *, blob_size: int = 20) -> Outcome:
    """Return a successful outcome."""
    return Outcome(key(number), row(number, blob_size=blob_size), seconds=number / 10)


def wide(number: int) -> Outcome:
    """Return a successful outcome of 30 kB that no compression makes smaller."""
    blob = random.Random(number).randbytes(30_000)
    return Outcome(key(number), replace(row(number), blob=blob))


def failed(number: int, error: str = "the file is truncated") -> Outcome:
    """Return a failed outcome."""
    return Outcome(key(number), None, "decode", error, 0.5)


def batches(outcomes: Iterable[Outcome], size: int) -> Iterable[list[Outcome]]:
    """Split outcomes into units."""
    source = iter(outcomes)
    while unit := list(itertools.islice(source, size)):
        yield unit
