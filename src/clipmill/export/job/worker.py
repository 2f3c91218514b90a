"""Makes the pieces of one sample; runs in this process or in a worker."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from clipmill.disk import sha256_of
from clipmill.errors import ClipError
from clipmill.export.content.compose import SampleFacts, compose
from clipmill.export.content.profile import FrameProfile
from clipmill.export.formats.base import Format, Piece
from clipmill.export.job.unchanged import check_unchanged
from clipmill.samples.schema import SampleRow


@dataclass(frozen=True)
class Task:
    """One sample to export.

    Attributes:
        row: The sample.
        facts: What else is known of it.
        token: Hash of everything the result depends on.
        scratch: A folder of its own for the files.
    """

    row: SampleRow
    facts: SampleFacts
    token: str
    scratch: Path


@dataclass(frozen=True)
class Made:
    """The outcome of a task.

    Attributes:
        sample_id: The sample.
        token: That of the task.
        scratch: Where the files are, to be removed when they are placed.
        pieces: The pieces.
        hashes: SHA-256 of each member's file, by key and extension.
        left_out: Why there are none.
        kind: Kind of the reason.
    """

    sample_id: str
    token: str
    scratch: Path
    pieces: tuple[Piece, ...] = ()
    hashes: dict[tuple[str, str], str] | None = None
    left_out: str = ""
    kind: str = ""


def make(task: Task, *, format_: Format, profile: FrameProfile) -> Made:
    """Make the pieces of a sample; a sample that cannot be had is an outcome, not an error."""
    shutil.rmtree(task.scratch, ignore_errors=True)
    task.scratch.mkdir(parents=True)
    made = Made(task.row.sample_id, task.token, task.scratch)
    try:
        sample = compose(task.row, task.facts, profile)
        check_unchanged(task.row.uri, task.facts)
        pieces = tuple(format_.pieces(sample, task.scratch))
    except ClipError as error:
        return replace(made, left_out=str(error), kind=error.kind)
    # Files of others are hashed while they are copied.
    hashes = {
        (piece.key, member.extension): sha256_of(member.file)
        for piece in pieces
        for member in piece.members
        if not member.outside
    }
    return replace(made, pieces=pieces, hashes=hashes)
