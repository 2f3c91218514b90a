"""Rows of a manifest: what the readers of CSV, JSONL and Parquet have in common."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from clipmill.errors import UsageError

PATH_COLUMNS = ("video", "video_path", "path", "file_name", "file_path")
"""Names of the path column, in order of preference; compared in lower case."""

CAPTION_COLUMNS = ("caption", "text", "prompt", "provided_text")
"""Names of the caption column, in order of preference; compared in lower case."""


class Row(NamedTuple):
    """One row of a manifest, not looked up yet; a tuple, for a million of them are made.

    Attributes:
        where: `line 17`, `lines 3-9` or `row 17`; lines and rows count from 1.
        path: The path as written; empty when there is none.
        text: The caption as written; None when there is none.
        problem: Why the row cannot be read; empty when it can.
    """

    where: str
    path: str = ""
    text: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Columns:
    """Which columns are asked for.

    Attributes:
        path: Name of the path column; one of `PATH_COLUMNS` when empty.
        caption: Name of the caption column; one of `CAPTION_COLUMNS` when empty.
    """

    path: str = ""
    caption: str = ""

    def find_path(self, names: Collection[str]) -> str | None:
        """Return the path column among the names, as it is written there."""
        return _find(self.path, PATH_COLUMNS, names)

    def find_caption(self, names: Collection[str]) -> str | None:
        """Return the caption column among the names, as it is written there."""
        return _find(self.caption, CAPTION_COLUMNS, names)

    def choose(self, names: Sequence[str], manifest: str) -> tuple[str, str | None]:
        """Return the path column and the caption column, if there is one.

        Raises:
            UsageError: There is no path column, or one that was asked for is not there.
        """
        known = ", ".join(f"'{name}'" for name in names) or "none"
        path, caption = self.find_path(names), self.find_caption(names)
        if path is None:
            wanted = f"'{self.path}'" if self.path else f"any of {', '.join(PATH_COLUMNS)}"
            raise UsageError(
                f"{manifest} has no path column: wanted {wanted}, it has {known}; "
                "name it by `path_column`"
            )
        if caption is None and self.caption:
            raise UsageError(f"{manifest} has no column '{self.caption}'; it has {known}")
        return path, caption


def _find(wanted: str, usual: tuple[str, ...], names: Collection[str]) -> str | None:
    if wanted:
        return wanted if wanted in names else None
    if usual[0] in names:  # JSONL asks this of every line
        return usual[0]
    lower: dict[str, str] = {}
    for name in names:
        lower.setdefault(name.strip().lower(), name)
    return next((lower[name] for name in usual if name in lower), None)


@contextmanager
def open_manifest(path: str) -> Iterator[IO[bytes]]:
    """Open a local manifest or one behind an fsspec URL.

    Raises:
        UsageError: It does not exist or may not be read.
    """
    import fsspec

    try:
        file = fsspec.open(path, "rb").open() if "://" in path else Path(path).open("rb")  # noqa: SIM115
    except OSError as error:
        reason = error.strerror or str(error) or "it does not exist"
        raise UsageError(f"the manifest {path} cannot be read: {reason}; check its path") from error
    with file:
        yield file
