"""What to export and how, and what came of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipmill.export.containers.base import Container
from clipmill.export.content.caption_origins import caption_line
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.sample_filter import SampleFilter
from clipmill.export.formats.base import Format
from clipmill.export.index_files.row_counts import IndexCount, index_lines
from clipmill.manifest.marker import FILES_VERSION, export_kind


@dataclass(frozen=True)
class ExportPlan:
    """What to export, and how.

    Attributes:
        format_: The format with its options.
        container: Class of the container.
        profile: Rate, number and size of frames.
        choice: Which samples.
        workers: Processes.
        shard_bytes: Size at which a shard is full.
    """

    format_: Format
    container: type[Container]
    profile: FrameProfile = field(default_factory=FrameProfile)
    choice: SampleFilter = field(default_factory=SampleFilter)
    workers: int = 1
    shard_bytes: int = 1 << 30

    @property
    def kind(self) -> str:
        """Name of the kind of export, written into its marker."""
        return export_kind(self.format_.name, self.container.name)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything besides the samples that files depend on."""
        shards = {"shard_bytes": self.shard_bytes} if self.container.whole_shards else {}
        return {
            "version": FILES_VERSION,
            "format": self.format_.name,
            "options": self.format_.options.model_dump(mode="json"),
            "frames": self.profile.model_dump(mode="json"),
            **shards,
        }


@dataclass(frozen=True)
class ExportReport:
    """The outcome of an export.

    Attributes:
        out: The folder.
        kind: Format and container.
        samples: Samples exported.
        pieces: Pieces they became.
        num_bytes: Size of their files.
        reused: Samples that an earlier, equal or interrupted export had done already.
        captions: Number of samples exported, by the origin of their caption.
        indices: What is in each index of the format, where it has several.
        left_out: Number of samples left out, by reason.
        failed: Those of them that met an error, and are tried again by the next export.
        reviewed: Number of samples of which people said something.
        copied: Number of videos that were copied as they are, by the colours that they name.
    """

    out: Path
    kind: str
    samples: int
    pieces: int
    num_bytes: int
    reused: int
    captions: dict[str, int]
    indices: dict[str, IndexCount]
    left_out: dict[str, int]
    failed: int
    reviewed: int = 0
    copied: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """A few lines for people."""
        again = f", {self.reused} of them were there already" if self.reused else ""
        lines = [
            f"{self.out}: {self.samples} samples, {self.pieces} pieces, "
            f"{self.num_bytes / 1e6:.1f} MB ({self.kind}){again}"
        ]
        lines += [caption_line(self.captions)] if self.captions else []
        lines += index_lines(self.indices)
        lines += [f"left out: {n} x {reason}" for reason, n in sorted(self.left_out.items())]
        return "\n".join(lines)
