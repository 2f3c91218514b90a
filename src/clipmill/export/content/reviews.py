"""What people said of a sample, in the rows of every format."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from clipmill.export.content.facts.run_facts import RunFacts
from clipmill.export.content.pieces import Piece
from clipmill.manifest.canonical import DescribedReview
from clipmill.samples.schema import SampleReview

REVIEW_KEY = "review"
"""Of a row; rows of samples that nobody said anything of do not have it."""


_SECTION = """\
## Judgements
People said something of {count} samples. {where}
- `verdict`: `keep`, `drop`, `conflict`, or empty; `star`; `tags`; `notes`: how many; `who`;
  `when`: the last time, UTC.

"""


def described_review(review: SampleReview) -> DescribedReview:
    """Return what people said as JSON values."""
    return {
        "verdict": review.verdict,
        "star": review.star,
        "tags": list(review.tags),
        "notes": review.notes,
        "who": list(review.who),
        "when": review.when,
    }


def with_review(pieces: Iterable[Piece], review: SampleReview | None) -> Iterator[Piece]:
    """Yield the pieces of a sample, their rows with what people said of it."""
    said = {} if review is None else {REVIEW_KEY: described_review(review)}
    return (replace(piece, row={**piece.row, **said}) for piece in pieces)


def review_section(count: int, where: str) -> str:
    """Return what `CONVENTIONS.md` says of judgements, by the number of samples that have some."""
    return _SECTION.format(count=count, where=where) if count else ""


def dropped_notices(facts: RunFacts, sample_ids: Iterable[str]) -> Iterator[str]:
    """Yield a line where people dropped samples that an export has nevertheless."""
    if not len(facts.review):
        return
    clips = {sample_id.rpartition("-a")[0] for sample_id in sample_ids}
    reviews = map(facts.review_of, clips)
    dropped = sum(review is not None and review.verdict == "drop" for review in reviews)
    if dropped:
        yield (
            f"people dropped {dropped} of the clips: another run with `select: review` takes "
            "them out of the samples"
        )
