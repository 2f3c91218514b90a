"""The clips that the page of judging shows, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clipmill.browse.catalogue import Catalogue, CatalogueClip, Query, ScoreRange
from clipmill.clips import Clip
from clipmill.errors import UsageError


@dataclass(frozen=True)
class ClipsToJudge:
    """A page of them.

    Attributes:
        clips: In order.
        total: Of all pages.
        before: Address of the page before; empty for none.
        behind: Address of the next page; empty for none.
    """

    clips: Sequence[CatalogueClip]
    total: int
    before: str = ""
    behind: str = ""


def clips_to_judge(
    catalogue: Catalogue, asked: Sequence[tuple[str, str]], *, most: int
) -> ClipsToJudge:
    """Return the clips that an address names.

    Args:
        catalogue: All clips.
        asked: Fields of the address: `clips=A,B`, or those of a query as `/clips` has them. Without
            any, the clips that have samples.
        most: Clips that may be named.

    Raises:
        UsageError: There is no such clip or query, or there are too many.
    """
    named = [name for field, text in asked if field == "clips" for name in text.split(",") if name]
    if named:
        return _named(catalogue, list(dict.fromkeys(named)), most)
    query = Query.parse(asked)
    if not query.items:
        query = Query(ranges=(ScoreRange("clip.num_samples", low=1),))
    page = catalogue.query(query)
    now = page.query
    return ClipsToJudge(
        [clip for clip in page.clips if clip.clip_id],
        page.total,
        before=now.having(page=now.page - 1).address if now.page > 1 else "",
        behind=now.having(page=now.page + 1).address if now.page < page.pages else "",
    )


def _named(catalogue: Catalogue, names: list[str], most: int) -> ClipsToJudge:
    if len(names) > most:
        raise UsageError(f"{len(names)} clips, at most {most} are shown at once")
    rows = []
    for name in names:
        try:
            row = catalogue.row_of(Clip.parse(name).clip_id)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if row is None:
            raise UsageError(f"the last run has no clip {name}")
        rows.append(row)
    return ClipsToJudge(catalogue.clips(np.array(rows)), len(rows))
