"""Bounds of a YAML document, checked on its events before anything is built of them.

A few hundred bytes of aliases can stand for a billion values, and an anchor can hold itself. Both
are seen in the stream of events, which PyYAML makes one by one, without recursion.
"""

import yaml

from clipmill.errors import UsageError

MAX_BYTES = 1 << 20
"""Of a pipeline file; the longest profile has 3 kB."""

MAX_NODES = 20_000
"""Values of a document, each alias counted with all that it stands for."""

MAX_DEPTH = 40
"""Lists and mappings inside each other."""


def check_bounds(text: str, *, name: str) -> None:
    """Refuse a document that is too large, too deep, or that contains itself.

    Args:
        text: The document.
        name: File name for error messages.

    Raises:
        UsageError: Names file, line and what is too much.
        yaml.YAMLError: The syntax is wrong.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise UsageError(f"{name}: more than {MAX_BYTES >> 20} MB; this is no pipeline file")
    counter = _Counter(name)
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        counter.see(event)


class _Counter:
    """Counts values, aliases by their full size."""

    def __init__(self, name: str) -> None:
        self._name, self._total = name, 0
        self._open: list[tuple[str | None, int]] = []
        self._sizes: dict[str, int] = {}

    def see(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            self._total += self._size_of(str(event.anchor), line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, self._total))
            self._total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self._open.pop()
            self._keep(anchor, self._total - before)
        elif isinstance(event, yaml.ScalarEvent):
            self._total += 1
            self._keep(event.anchor, 1)
        if len(self._open) > MAX_DEPTH:
            raise UsageError(f"{self._name}:{line}: more than {MAX_DEPTH} levels inside each other")
        if self._total > MAX_NODES:
            raise UsageError(
                f"{self._name}:{line}: more than {MAX_NODES} values, aliases counted with what "
                "they stand for; write the steps out"
            )

    def _keep(self, anchor: str | None, size: int) -> None:
        if anchor:
            self._sizes[anchor] = size

    def _size_of(self, anchor: str, line: int) -> int:
        if any(anchor == opened for opened, _ in self._open):
            raise UsageError(
                f"{self._name}:{line}: the alias '*{anchor}' stands inside of what it names; "
                "a pipeline file cannot contain itself"
            )
        # An unknown anchor is a syntax error that the composer tells of.
        return self._sizes.get(anchor, 1)
