"""What an export wrote and what it had to leave out."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from clipmill.export.content.caption_origins import caption_line


@dataclass(frozen=True)
class LeftOut:
    """A sample that an export could not take.

    Attributes:
        sample_id: The sample.
        stage: Training stage it is missing from, 1 or 2.
        reason: One line.
    """

    sample_id: str
    stage: int
    reason: str


@dataclass(frozen=True)
class ExportSummary:
    """The outcome of an export.

    Attributes:
        out: The folder.
        stage1_rows: Rows for motion training.
        stage2_rows: Rows for Frame-In / Frame-Out training.
        videos: Distinct videos the rows name.
        images: Identity images written.
        captions: Number of samples with a row, by the origin of their caption.
        reviewed: Number of them of which people said something.
        left_out: Samples that are ready by the pipeline's rules, yet could not be exported.
    """

    out: Path
    stage1_rows: int
    stage2_rows: int
    videos: int
    images: int
    captions: dict[str, int]
    reviewed: int
    left_out: tuple[LeftOut, ...]

    def __str__(self) -> str:
        """A few lines for people."""
        lines = [
            f"{self.out}: {self.stage1_rows} stage-1 rows, {self.stage2_rows} stage-2 rows, "
            f"{self.videos} videos, {self.images} identity images"
        ]
        lines += [caption_line(self.captions)] if self.captions else []
        reasons = Counter((item.stage, item.reason) for item in self.left_out)
        lines += [
            f"left out of stage {stage}: {count} x {reason}"
            for (stage, reason), count in sorted(reasons.items())
        ]
        return "\n".join(lines)
