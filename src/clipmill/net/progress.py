"""How a download is watched."""


class Progress:
    """Watches a download; this one says nothing."""

    def start(self, what: str, total: int | None) -> None:
        """A file begins; `total` is its size in bytes, if known."""

    def at(self, done: int) -> None:
        """So many bytes of it are there."""

    def finish(self) -> None:
        """The file is there and verified."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""
