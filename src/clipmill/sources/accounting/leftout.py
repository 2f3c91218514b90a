"""Files of a source that are no videos of the run: what they are, and why they are not used."""

import posixpath

from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.found import composed, is_leftover, is_video

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".json")
"""Tables that can be read, also with `.gz` behind them (but for Parquet)."""

_PACKED = (".gz", ".bz2", ".xz", ".zst")
_ARCHIVES = (".zip", ".7z", ".rar", ".tgz", ".tbz2", ".txz")

LEFTOVERS = "leftovers"
LEFTOVER = "left behind by a system or an archiver"
OTHER = "another kind of file"
LIST = "no video of the same name; lists are not read, write a table"


def reason_for(name: str) -> tuple[str, str]:
    """Return what a file is that is no video, and why it is not used.

    Args:
        name: File name.
    """
    lower = name.lower()
    stem, suffix = posixpath.splitext(lower)
    if suffix in _PACKED:
        suffix = posixpath.splitext(stem)[1] + suffix
    if suffix.removesuffix(".gz") in TABLE_SUFFIXES and suffix != ".parquet.gz":
        return suffix, "a table; give it as `--input` to run on its rows"
    if suffix == ".txt":
        return suffix, LIST
    if suffix == ".tar":
        return suffix, "an archive beside videos; give it as `--input` of its own"
    if suffix in _ARCHIVES or suffix.startswith(".tar."):
        return suffix, "an archive; unpack it to run on what is in it"
    if posixpath.splitext(suffix)[0] in TABLE_SUFFIXES:
        return suffix, "a compressed table; decompress it, or pack it as `.gz`"
    return suffix or "no suffix", OTHER


def count_others(counts: SourceCounts, below: str, names: list[str], used: set[str]) -> None:
    """Count the files of a folder that are neither videos nor used.

    Args:
        counts: Counts of the source.
        below: The folder, with a slash at its end, or empty.
        names: Its files.
        used: Those that were used: captions, tables.
    """
    videos = set(filter(is_video, names))
    others = [name for name in names if name not in videos and name not in used]
    stems = {composed(posixpath.splitext(name)[0]) for name in videos} if others else set()
    for name in others:
        if is_leftover(name):
            counts.unused(LEFTOVERS, LEFTOVER, below + name)
        else:
            what, reason = reason_for(name)
            if what != ".txt" and composed(posixpath.splitext(name)[0]) in stems:
                reason = "beside a video of the same name; only `.txt` is read there"
            counts.unused(what, reason, below + name)
