"""The clips before and behind one, in the list that its page was opened from."""

from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from clipmill.browse.catalogue import Catalogue, Query
from clipmill.errors import UsageError


def in_list(catalogue: Catalogue, address: str, key: str) -> dict[str, Any]:
    """Return where a clip is in a list.

    Args:
        catalogue: All clips.
        address: Query string of the page of all clips; empty for all in the order of the run. Its
            page does not count: the list goes over all pages.
        key: The clip, or the video that never became one.

    Returns:
        `previous` and `next` (ids or None), `place` (from 1; None where the clip is not in the
        list), `count`, `problem` (why the address is no list; else empty).
    """
    found = {"previous": None, "next": None, "place": None, "count": 0, "problem": ""}
    try:
        rows = catalogue.rows(Query.parse(parse_qsl(address)))
    except UsageError as error:  # the clip itself can be shown
        return found | {"problem": str(error)}
    row = catalogue.row_of(key)
    places = [] if row is None else np.flatnonzero(rows == row).tolist()
    if not places:
        return found | {"count": len(rows)}
    (at,) = places
    ids = {
        name: catalogue.keys[int(rows[there])].as_py()
        for name, there in (("previous", at - 1), ("next", at + 1))
        if 0 <= there < len(rows)
    }
    return found | {"place": at + 1, "count": len(rows)} | ids
