"""What every format is: a function from samples to pieces, and the indices over their rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from clipmill.export.content.pieces import Piece
from clipmill.export.content.sample import ExportSample
from clipmill.export.index_files.consumer import Consumer
from clipmill.export.index_files.rows import CreateText, Rows, Rule
from clipmill.export.render.encoding import EncodingOptions

OptionsT = TypeVar("OptionsT", bound="FormatOptions")


class FormatOptions(EncodingOptions):
    """Settings of a format; every one has a default that works."""


class Format(ABC, Generic[OptionsT]):
    """One layout that trainers read. Pickled into the workers.

    Attributes:
        name: As on the command line.
        summary: One line for the help.
        stage: Samples ready for this training stage are exported, 1 or 2.
        profile: Name of the frame profile when none is chosen.
        owned: For every folder of the export that the format fills, a pattern (regular
            expression) of the paths in it that it writes; nothing else is ever removed.
        where_reviews_are: Where its indices say what people said, for `CONVENTIONS.md`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    stage: ClassVar[int] = 1
    profile: ClassVar[str] = "source"
    owned: ClassVar[Mapping[str, str]]
    where_reviews_are: ClassVar[str] = "The rows of the index have it as `review`."
    Options: ClassVar[type[FormatOptions]] = FormatOptions

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    @abstractmethod
    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        """Make the files of a sample, in a worker.

        Args:
            sample: The sample.
            scratch: An empty folder for the files; they are moved out of it.

        Raises:
            LeftOutError: The sample cannot be written in this format; the text is the reason.
            VideoError: Its video cannot be read.
        """

    @abstractmethod
    def write_indices(self, rows: Rows, create: CreateText) -> None:
        """Write the files that list the pieces, into a folder export.

        Args:
            rows: Rows of all pieces.
            create: Opens a file.
        """

    def write_indices_at(self, root: Path, rows: Rows, create: CreateText) -> None:
        """Write the indices of an export in a folder, for formats that name files absolutely.

        Args:
            root: Absolute path of the export.
            rows: As for `write_indices`, which this is unless a format says otherwise.
            create: As there.
        """
        self.write_indices(rows, create)

    def consumers(self) -> tuple[Consumer, ...]:
        """Return those indices of a folder export that not every frame profile can fill."""
        return ()

    def rules(self) -> Mapping[str, Rule]:
        """Return why a piece is not in an index (empty when it is), by the name of the index."""
        return {}

    @abstractmethod
    def conventions(self) -> str:
        """Return what the numbers and pictures of this format mean, as Markdown sections."""
