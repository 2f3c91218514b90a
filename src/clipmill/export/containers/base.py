"""What every container is: it takes the pieces of samples, in order, and keeps their files."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from clipmill.export.content.pieces import Made
from clipmill.export.formats.base import Format
from clipmill.manifest.entries import SampleEntry
from clipmill.manifest.folder import ExportFolder

ReadEntries = Callable[[], Iterator[SampleEntry]]
"""Gives the entries of all samples in order; may be called several times."""


@dataclass(frozen=True)
class About:
    """What an export is, for its card and its conventions.

    Attributes:
        title: Name of the data set.
        num_samples: Samples exported.
        num_pieces: Pieces they became.
        left_out: Number of samples left out, by reason.
        conventions: Markdown: a whole page on what numbers and pictures mean and how they came
            about.
        meaning: Markdown sections: the part of it on what numbers and pictures mean.
        licences: Licence of each backend that made the data, `annotation (backend)` -> text.
        non_commercial: Weights behind the data whose licence forbids commercial use.
        models: Model identity of each annotation, `annotation (backend)` -> text.
        funnel: `(step, entering, leaving)` of the run that chose the samples.
        settings: Options, frame profile and choice of the export, for people.
        captions: Number of samples by origin of their caption.
    """

    title: str
    num_samples: int
    num_pieces: int
    left_out: Mapping[str, int]
    conventions: str
    meaning: str = ""
    licences: Mapping[str, str] = field(default_factory=dict)
    non_commercial: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    funnel: tuple[tuple[str, int, int], ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    captions: Mapping[str, int] = field(default_factory=dict)


class Container(ABC):
    """Keeps the files of pieces in an export folder.

    Samples come in the order of the workspace. An entry that a method returns is on disk with
    all its files.

    Args:
        folder: The export.
        format_: What is exported.
        shard_bytes: Size at which a shard is full, for containers that have shards.

    Attributes:
        name: As on the command line.
        has_indices: Whether the format's own indices are written.
        whole_shards: Whether a file holds several samples. What an earlier export left is then
            taken over shard by shard from the first on, and no further than the first change.
    """

    name: ClassVar[str]
    has_indices: ClassVar[bool] = True
    whole_shards: ClassVar[bool] = False

    def __init__(self, folder: ExportFolder, format_: Format, *, shard_bytes: int) -> None:
        self.folder, self.format, self.shard_bytes = folder, format_, shard_bytes

    @classmethod
    @abstractmethod
    def owned(cls, format_: type[Format]) -> dict[str, str]:
        """Return what this container fills: by folder, a pattern of the paths in it."""

    @abstractmethod
    def add(self, made: Made) -> list[SampleEntry]:
        """Take the files of a sample (or its reason); return the entries that are done now."""

    @abstractmethod
    def is_there(self, entry: SampleEntry) -> bool:
        """Whether the files of an entry lie in the export, by their sizes."""

    def is_whole_shard(self, number: int, entries: Sequence[SampleEntry], *, last: bool) -> bool:
        """Whether a shard is as an export would write it now; for containers with shards.

        Args:
            number: Of the shard, counted from 0.
            entries: Its samples.
            last: Whether no sample follows, so that it may be small.
        """
        raise NotImplementedError

    def keep(self, entry: SampleEntry) -> None:
        """Take over what an earlier export left of a sample; most have nothing to do."""
        return

    def flush(self) -> list[SampleEntry]:
        """Finish what is begun; return the entries that are done now."""
        return []

    def close(self) -> None:
        """Let go of open files; called always, also after an error."""
        return

    @abstractmethod
    def write_indices(self, entries: ReadEntries, about: About) -> None:
        """Write the files that list and describe the whole export."""
