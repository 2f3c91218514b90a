"""A run that is over, of which only the outcome is kept."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import VIDEO_ID_DIGITS, Clip
from clipmill.whatif.fates import CHANGE, NEVER_CUT, WITH_CLIP, change_rows

_FACTS = ("column", "value", "threshold")


class PastRun:
    """What a run has decided that another one has followed since.

    Args:
        decided: Rows of `DECIDED`, see `decided_before`.
    """

    def __init__(self, decided: pa.Table) -> None:
        objects = decided["object"]
        self._clips = decided.filter(pc.invert(objects))
        self._objects = decided.filter(objects)

    @property
    def kept(self) -> pa.Array:
        """Ids of the clips that it kept, string."""
        return self._clips.filter(self._clips["kept"])["id"].combine_chunks()

    @property
    def kept_objects(self) -> pa.Array | None:
        """Ids of the objects that it kept, string; None where no selection was of objects."""
        if not self._objects.num_rows:
            return None
        return self._objects.filter(self._objects["kept"])["id"].combine_chunks()

    def clip_changes(self, ids: pa.Array, change: str) -> pa.Table:
        """Return why it did not keep clips: rows of `CHANGE`.

        Of a clip that it never had, the smallest that went and holds all of its frames tells.
        """
        out = self._clips.filter(pc.invert(self._clips["kept"]))
        known = out["id"].combine_chunks()
        place = pc.fill_null(pc.index_in(ids, value_set=known), -1).to_numpy().astype(np.int64)
        for item in np.flatnonzero(place < 0).tolist():
            place[item] = self._holding(ids[item].as_py())
        return _told(ids, out, place, change, otherwise=NEVER_CUT)

    def object_changes(self, ids: pa.Array, change: str) -> pa.Table:
        """Return why it did not keep objects: by a rule, or with their clip."""
        out = self._objects.filter(pc.invert(self._objects["kept"]))
        place = pc.index_in(ids, value_set=out["id"].combine_chunks())
        rows = pc.fill_null(place, -1).to_numpy().astype(np.int64)
        return _told(ids, out, rows, change, otherwise=WITH_CLIP)

    def _holding(self, clip_id: str) -> int:
        """Return the row of the smallest clip that went and holds a clip; -1 for none."""
        clip = Clip.parse(clip_id)
        rows = self._by_video.get(clip.video_id, ())
        holding = [
            (end - start, row)
            for start, end, row in rows
            if start <= clip.start and clip.end <= end
        ]
        return min(holding, default=(0, -1))[1]

    @cached_property
    def _by_video(self) -> dict[str, list[tuple[int, int, int]]]:
        found: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for name, start, end, row in self._ranges():
            found[name].append((start, end, row))
        return dict(found)

    def _ranges(self) -> Iterator[tuple[str, int, int, int]]:
        out = self._clips.filter(pc.invert(self._clips["kept"]))
        for row, name in enumerate(out["id"].to_pylist()):
            if len(name) > VIDEO_ID_DIGITS:
                clip = Clip.parse(name)
                yield clip.video_id, clip.start, clip.end, row
            else:
                yield name, 0, 1 << 40, row  # a file that could not be read has no frames


def _told(
    ids: pa.Array, out: pa.Table, place: np.ndarray, change: str, *, otherwise: str
) -> pa.Table:
    """Return rows of `CHANGE` of ids, given the row of each among what went; -1 for none."""
    hit = place >= 0
    why = out.take(pa.array(place[hit]))
    columns = {name: why[name] for name in _FACTS}
    columns |= {"reason": why["rule"], "step": why["step"], "at": why["id"], "change": change}
    told = change_rows({"id": ids.filter(pa.array(hit)), **columns}, why.num_rows)
    others = ids.filter(pa.array(~hit))
    rest = {"id": others, "at": others, "change": change, "step": "", "reason": otherwise}
    both = pa.concat_tables([told, change_rows(rest, len(others))])
    order = np.concatenate([np.flatnonzero(hit), np.flatnonzero(~hit)])
    return both.take(pa.array(np.argsort(order))) if len(order) else CHANGE.empty_table()
