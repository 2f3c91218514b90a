"""Makes the pieces of one sample; runs in this process or in a worker."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from clipmill.disk import sha256_of
from clipmill.errors import ClipError
from clipmill.export.content.compose import SampleInputs, compose
from clipmill.export.content.pieces import Made
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.reviews import with_review
from clipmill.export.content.source_check import check_source
from clipmill.export.formats.base import Format
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
    facts: SampleInputs
    token: str
    scratch: Path


def make(task: Task, *, format_: Format, profile: FrameProfile) -> Made:
    """Make the pieces of a sample; a sample that cannot be made is an outcome, not an error."""
    shutil.rmtree(task.scratch, ignore_errors=True)
    task.scratch.mkdir(parents=True)
    made = Made(task.row.sample_id, task.token, task.scratch)
    try:
        sample = compose(task.row, task.facts, profile)
        check_source(task.row.uri, task.facts)
        pieces = tuple(with_review(format_.pieces(sample, task.scratch), sample.row.review))
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
