"""What index files are made of: rows of pieces, and files that are opened by their paths."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any

CreateText = Callable[[str], AbstractContextManager[IO[str]]]
"""Opens a text file of the export by its relative path; it appears when the block ends."""

Row = Mapping[str, Any]
Rule = Callable[[Row], str]
"""Returns why a piece cannot be in an index; empty when it can."""

Rows = Callable[[], Iterator[Mapping[str, Any]]]
"""Gives the rows of all pieces in order; may be called several times."""
