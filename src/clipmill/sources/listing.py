"""All sources of a run as one list of videos, in a fixed order."""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clipmill.config.models import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources.accounting.account import Account
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.collect import Collector
from clipmill.sources.columns import ProblemRows, VideoRows
from clipmill.sources.datasets.json_layouts import list_opens2v, list_vidgen
from clipmill.sources.datasets.metadata import list_metadata, list_with_table
from clipmill.sources.datasets.openvid import list_openvid
from clipmill.sources.detect import WITH_TABLE, find_kind
from clipmill.sources.folder import list_local
from clipmill.sources.found import FoundFile
from clipmill.sources.manifest import open_manifest
from clipmill.sources.readers.rows import RowColumns
from clipmill.sources.remote import list_remote
from clipmill.sources.webdataset import list_webdataset


@dataclass(frozen=True)
class Listing:
    """Videos of all sources, the entries left out, and the account of it all.

    Ordered by source, then by path in a folder and by row in a manifest.
    """

    videos: VideoRows
    problems: ProblemRows
    account: Account = field(default_factory=Account)


def list_sources(sources: Sequence[SourceConfig]) -> Listing:
    """List every source.

    A file that two names, links or rows lead to is one video: the first name in the order of the
    source stands, the others are problems of state `dropped`, unless they are rows that name
    parts of it: these become its spans. What is wrong with one row of a manifest is a problem of
    state `failed`; what is wrong with a caption only is one of state `noted`.

    Raises:
        UsageError: A source does not exist or cannot be read at all, or two sources have the
            same name.
    """
    names = source_names(sources)
    collector = Collector()
    accounts = []
    with _no_collection():
        for source, name in zip(sources, names, strict=True):
            counts = SourceCounts()
            for found in _list_one(source, counts):
                collector.take(found, name, counts)
            accounts.append(counts.account(name, source.path))
    videos = collector.finished()
    account = Account(sources=tuple(accounts))
    return Listing(videos, collector.problems(videos), account)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the garbage collector: it would walk millions of new objects, none of them garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_Lister = Callable[[str, str, RowColumns, SourceCounts], Iterator[FoundFile]]

_LAYOUTS: dict[str, _Lister] = {
    "openvid": list_openvid,
    "vidgen": list_vidgen,
    "opens2v": list_opens2v,
    "huggingface": list_metadata,
    WITH_TABLE: list_with_table,
}


def _list_one(source: SourceConfig, counts: SourceCounts) -> Iterable[FoundFile]:
    columns = RowColumns(
        path=source.path_column,
        caption=source.caption_column,
        start=source.start_column,
        end=source.end_column,
        times=source.times,
        encoding=source.encoding,
    )
    kind = counts.kind = find_kind(source, columns)
    if kind in _LAYOUTS:
        return _LAYOUTS[kind](source.path, source.root, columns, counts)
    if kind == "webdataset":
        return list_webdataset(source.path, columns, counts)
    if kind != "folder":
        return open_manifest(source.path, kind, source.root, columns).files(counts)
    if "://" in source.path:
        return list_remote(source.path, counts, columns.encoding)
    named = source.kind == "folder"
    return list_local(Path(source.path), counts, columns.encoding, named=named)


def source_names(sources: Sequence[SourceConfig]) -> list[str]:
    """Names of the sources; a single unnamed source stays unnamed.

    Raises:
        UsageError: Two have the same name.
    """
    if len(sources) == 1:
        return [sources[0].name]
    names = [s.name or Path(s.path.rstrip("/")).name for s in sources]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(
            f"two sources are called '{twice[0]}'; give each its own `name` in the pipeline file"
        )
    return names
