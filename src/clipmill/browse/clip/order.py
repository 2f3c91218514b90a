"""The clips before and behind one, in the list that its page was opened from."""

from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.browse.site import OpenRun


def in_list(run: OpenRun, query: str, clip_id: str) -> dict[str, Any]:
    """Return where a clip is in a list.

    Args:
        run: The run.
        query: Query string of the page of all clips.
        clip_id: The clip.

    Returns:
        `previous` and `next` (ids or None), `place` (from 1, or None), `count`.
    """
    ids = ordered_clips(run, query)
    place = pc.index(ids, clip_id).as_py()
    here = place if place >= 0 else None
    return {
        "count": len(ids),
        "place": None if here is None else here + 1,
        "previous": ids[here - 1].as_py() if here else None,
        "next": ids[here + 1].as_py() if here is not None and here + 1 < len(ids) else None,
    }


@lru_cache(maxsize=4)
def ordered_clips(run: OpenRun, query: str) -> pa.Array:
    """Return the ids of the clips of a list: of all that no split has replaced, by id.

    Args:
        run: The run.
        query: As the page of all clips has it; without a catalogue, all queries give all clips.
    """
    del query
    tables = [r.verdicts.filter(pc.equal(r.verdicts["level"], "clip")) for r in run.reports]
    some = pa.concat_tables(table.select(["key", "state"]) for table in tables)
    split = some.filter(pc.equal(some["state"], "split"))["key"]
    keys = pc.unique(some["key"])
    keys = keys.filter(pc.invert(pc.is_in(keys, value_set=split.combine_chunks())))
    return keys.take(pc.sort_indices(keys))
