"""How a pull is watched."""

from typing import Protocol


class Progress(Protocol):
    """Watches a pull."""

    def start(self, what: str, total: int | None) -> None:
        """A file begins; `total` is its size in bytes, if known."""

    def at(self, done: int) -> None:
        """So many bytes of it are there."""

    def finish(self) -> None:
        """The file is there and verified."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


class Silent:
    """Watches and says nothing."""

    def start(self, what: str, total: int | None) -> None:
        """Say nothing."""

    def at(self, done: int) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""
