"""Groups that lost too much of their weight to an earlier selection."""

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.selection.values import column_of


def share_kept(objects: pa.Table) -> pa.Table:
    """Return the kept share of every group's weight.

    Args:
        objects: `group` (text), `weight` (number, not negative), `kept` (bool).

    Returns:
        `group`, `share` (float64 in [0, 1]; 0 for a group without any weight), by ascending
        group.
    """
    weight = pc.cast(column_of(objects, "weight"), pa.float64())
    kept = pc.if_else(column_of(objects, "kept"), weight, 0.0)
    table = pa.table({"group": column_of(objects, "group"), "all": weight, "kept": kept})
    sums = table.group_by("group").aggregate([("all", "sum"), ("kept", "sum")]).sort_by("group")
    whole = pc.if_else(pc.equal(sums["all_sum"], 0.0), 1.0, sums["all_sum"])
    return pa.table({"group": sums["group"], "share": pc.divide(sums["kept_sum"], whole)})


def drop_thin_groups(objects: pa.Table, *, min_share: float) -> pa.Array:
    """Return the groups, sorted, whose kept share of weight is below `min_share`.

    The share itself stays: 1 point kept of 2 is not below 0.5.

    Args:
        objects: See `share_kept`.
        min_share: In [0, 1].
    """
    shares = share_kept(objects)
    return shares.filter(pc.less(shares["share"], min_share))["group"].combine_chunks()
