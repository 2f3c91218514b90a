"""The account of the sources in words, for terminals and logs."""

from collections.abc import Iterator

from clipmill.sources.accounting.account import Account, Counted, SourceAccount, TableUse


def describe_account(account: Account) -> list[str]:
    """Return the account line by line; names are made safe to print."""
    return [_safe(line) for source in account.sources for line in _source(source)]


def describe_empty(account: Account) -> str:
    """Return what to say of sources without a video; empty when each source has one."""
    empty = [source for source in account.sources if source.is_empty]
    if not empty:
        return ""
    lines = [f"no video found in {' and '.join(source.path for source in empty)}"]
    for source in empty:
        lines += _details(source)
    lines.append(
        "  nothing was changed; check the path, and whether the disk it is on is mounted;"
        " if it is empty on purpose, add --allow-fewer"
    )
    return "\n".join(map(_safe, lines))


def _source(source: SourceAccount) -> Iterator[str]:
    name = f"source {source.name}: " if source.name else "source "
    yield f"{name}{source.path} ({source.kind}): {_counts(source)}"
    yield from _details(source)


def _counts(source: SourceAccount) -> str:
    parts = [_number(source.videos, "video")]
    if source.parts:
        parts.append(f"{_number(source.parts, 'part')} of videos by rows with times")
    kinds = [f"{kind.count} from {kind.what}" for kind in source.captions]
    parts.append(f"captions: {', '.join(kinds) or 'none'}")
    if source.captions and source.without_caption:
        parts.append(f"{source.without_caption} without")
    return ", ".join(parts)


def _details(source: SourceAccount) -> Iterator[str]:
    for table in source.tables:
        yield from _table(table)
    for note in source.notes:
        yield f"  {note.count} {note.what}"
    for text in source.unread_texts:
        yield f"  {_number(text.count, 'caption')} not used: {text.reason}{_names(text)}"
    # Refused rows of tables have been told above.
    if source.failed > sum(table.refused for table in source.tables):
        yield f"  {_number(source.failed, 'entry', 'entries')} left out that cannot be read:"
        yield from (f"    {failure}" for failure in source.failures)
        if source.failed > len(source.failures):
            yield "    ... all of them: clipmill failed"
    if source.repeated:
        yield f"  {_number(source.repeated, 'entry', 'entries')} left out: the same file again"
    for unused in source.unused:
        yield f"  not used: {unused.count} {unused.what} ({unused.reason}){_names(unused)}"


def _table(table: TableUse) -> Iterator[str]:
    refused = f", {table.refused} refused" if table.refused else ""
    columns = f" ({table.columns})" if table.columns else ""
    yield f"  table {table.path}{columns}: {_number(table.rows, 'row')}{refused}"
    yield from (f"    {example}" for example in table.examples)


def _names(things: Counted) -> str:
    if not things.examples:
        return ""
    more = ", ..." if things.count > len(things.examples) else ""
    return f": {', '.join(things.examples)}{more}"


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _safe(text: str) -> str:
    """Return a text without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
