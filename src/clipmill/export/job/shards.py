"""Which shards of an earlier export can stay: whole ones, from the first on."""

from collections.abc import Iterable, Iterator, Sequence

from clipmill.export.containers.base import Container
from clipmill.manifest.entries import SampleEntry
from clipmill.manifest.journal import ExportJournal


def kept_shards(
    journal: ExportJournal, prefix: Sequence[str], container: Container, *, complete: bool
) -> frozenset[str]:
    """Return the samples of the shards that stay.

    Shards are what an export of all samples would write: those before the first that holds
    something else, is missing, or ends early without being the last.

    Args:
        journal: What earlier exports did.
        prefix: Samples whose entries are still right, in order, from the first on.
        container: Looks at the shards.
        complete: Whether these are all samples.
    """
    kept = frozenset(prefix)
    torn = {
        shard for sample in journal if sample not in kept for shard in journal.get(sample).shards
    }
    found: list[str] = []
    number = 0
    for shard, entries, last in _by_shard(journal.read(prefix)):
        if shard:
            if shard in torn or not container.is_whole_shard(
                number, entries, last=last and complete
            ):
                break
            number += 1
        found += [entry.sample_id for entry in entries]
    return frozenset(found)


def _by_shard(entries: Iterable[SampleEntry]) -> Iterator[tuple[str, list[SampleEntry], bool]]:
    """Yield shards with their entries, and whether each is the last.

    Samples that were left out go with the shard before them; the first ones have none.
    """
    shard: str = ""
    group: list[SampleEntry] = []
    for entry in entries:
        own = next(iter(entry.shards), "")
        if own and own != shard:
            if group:
                yield shard, group, False
            shard, group = own, []
        group.append(entry)
    if group:
        yield shard, group, True
