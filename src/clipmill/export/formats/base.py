"""What every format is: a function from samples to pieces, and the indices over their rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.consumer import Consumer

OptionsT = TypeVar("OptionsT", bound="FormatOptions")
CreateText = Callable[[str], AbstractContextManager[IO[str]]]
"""Opens a text file of the export by its relative path; it appears when the block ends."""

Rows = Callable[[], Iterator[Mapping[str, Any]]]
"""Gives the rows of all pieces in order; may be called several times."""


class FormatOptions(BaseModel):
    """Settings of a format; every one has a default that works."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    crf: int = Field(
        default=18, ge=0, le=51, description="Quality of encoded videos, lower is better."
    )
    gop: int = Field(
        default=48, ge=1, description="Most frames between key frames of encoded videos."
    )
    reencode: bool = Field(
        default=False, description="Encode also videos that could be copied as they are."
    )


@dataclass(frozen=True)
class Member:
    """One file of a piece.

    Attributes:
        extension: Unique in the piece, `mp4` or `mask.mp4`; with the key in front it is the
            member's name in a WebDataset shard.
        path: Where it lies in a folder, relative to the export, `/` as separator.
        file: The finished file.
        outside: Whether it is a file of somebody else (a source video): it is copied, and never
            moved or changed.
        colours: Of such a video, in one line, as it names them.
    """

    extension: str
    path: str
    file: Path
    outside: bool = False
    colours: str = ""


@dataclass(frozen=True)
class Piece:
    """What becomes of a sample, or of one region of one object of it.

    Attributes:
        key: Unique in the export, letters, digits, dash and underscore: the name of its files.
        members: Its files.
        row: JSON values for the indices; small: arrays belong into members. Files are named by
            the `path` of their member.
    """

    key: str
    members: tuple[Member, ...]
    row: Mapping[str, Any]


class Format(ABC, Generic[OptionsT]):
    """One layout that trainers read. Pickled into the workers.

    Attributes:
        name: As on the command line.
        summary: One line for the help.
        stage: Samples ready for this training stage are exported, 1 or 2.
        profile: Name of the frame profile when none is chosen.
        owned: For every folder of the export that the format fills, a pattern (regular
            expression) of the paths in it that it writes; nothing else is ever removed.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    stage: ClassVar[int] = 1
    profile: ClassVar[str] = "source"
    owned: ClassVar[Mapping[str, str]]
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
            LeftOutError: The sample cannot be had in this format; the text is the reason.
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

    def rules(self) -> Mapping[str, Callable[[Mapping[str, Any]], str]]:
        """Return why a piece is not in an index (empty when it is), by the name of the index."""
        return {}

    @abstractmethod
    def conventions(self) -> str:
        """Return what the numbers and pictures of this format mean, as Markdown sections."""
