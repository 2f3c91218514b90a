"""What an export will be able to fill, from the heads of its samples, before a file is written."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

from clipmill.errors import UsageError
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.timeline import expected_count, native_rate
from clipmill.export.index_files.consumer import Consumer
from clipmill.samples.table import sample_parts
from clipmill.store.workspace import Workspace

_HEADS = ("sample_id", "num_frames", "width", "height", "fps", "stage2", "stage2_reason")

_SLACK = 1
"""Frames by which a source with a variable rate may give more than expected."""


@dataclass
class IndexForecast:
    """How many samples can be in an index.

    Attributes:
        consumer: The index.
        ready: Samples that are ready for its stage.
        fitting: Those of them with the frames and the size that it takes.
        reasons: Number of the others that are ready, by reason.
        unready: Number of samples that are not ready for its stage, by reason.
        most_frames: Frames of the longest ready one in the export.
    """

    consumer: Consumer
    ready: int = 0
    fitting: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unready: Counter[str] = field(default_factory=Counter)
    most_frames: int = 0

    def add(self, num_frames: int, size: tuple[int, int]) -> None:
        """Take a sample into account."""
        self.ready += 1
        self.most_frames = max(self.most_frames, num_frames)
        reason = self.consumer.why_not(num_frames, size)
        self.fitting += not reason
        self.reasons.update([reason] if reason else [])

    def warning(self) -> str:
        """Return what to say before work; empty when some sample fits, or there is none."""
        if self.fitting or not self.ready + self.unready.total():
            return ""
        if not self.ready:
            ((reason, count),) = self.unready.most_common(1)
            return (
                f"{self.consumer.name}: none of {self.unready.total()} samples is ready for it "
                f"({count} x {reason})"
            )
        ((reason, _),) = self.reasons.most_common(1)
        longest = f", the longest has {self.most_frames}" if "fewer" in reason else ""
        return (
            f"{self.consumer.name}: none of {self.ready} samples can be in it ({reason}{longest}); "
            f"{self.consumer.remedy}"
        )


def forecast_indices(
    workspace: Workspace,
    samples: str,
    taken: Collection[str],
    *,
    profile: FrameProfile,
    consumers: tuple[Consumer, ...],
) -> list[str]:
    """Return what to say of an export before it begins: the indices that will stay empty.

    Args:
        workspace: Where the samples are.
        samples: Name of the sample set.
        taken: Ids of the samples to export.
        profile: Rate, number and size of frames.
        consumers: Indices that not every profile can fill.

    Raises:
        UsageError: No sample has the frames that the profile itself asks for.
    """
    outlooks = [IndexForecast(consumer) for consumer in consumers]
    most = 0
    for row in _heads(workspace, samples, frozenset(taken)):
        count = _frames_of(row, profile)
        most = max(most, count)
        if count < profile.min_frames:
            continue
        size = _size_of(profile, row["width"], row["height"])
        for outlook in outlooks:
            if outlook.consumer.stage == 1 or row["stage2"]:
                outlook.add(count, size)
            else:
                outlook.unready[row["stage2_reason"]] += 1
    if most + _SLACK < profile.min_frames:
        raise UsageError(
            f"no sample has the {profile.min_frames} frames that this frame profile asks for: the "
            f"longest of {len(taken)} has {most}{_at(profile)}. Choose other --frames, or lower "
            "--min-frames. Nothing was written"
        )
    return [text for outlook in outlooks if (text := outlook.warning())]


def _heads(workspace: Workspace, samples: str, taken: frozenset[str]) -> Iterator[dict[str, Any]]:
    for part in sample_parts(workspace, samples):
        table = workspace.read_table(part, columns=list(_HEADS))
        for row in table.to_pylist() if table is not None else ():
            if row["sample_id"] in taken:
                yield row


def _frames_of(row: dict[str, Any], profile: FrameProfile) -> int:
    rate = native_rate(Fraction(row["fps"]), variable=False)
    return expected_count(
        row["num_frames"],
        rate,
        fps=profile.fps,
        rule=profile.count,
        max_frames=profile.max_frames,
    )


@cache
def _size_of(profile: FrameProfile, width: int, height: int) -> tuple[int, int]:
    return profile.placement(width, height).target


def _at(profile: FrameProfile) -> str:
    return f" at {float(profile.fps):g} fps" if profile.fps else ""
