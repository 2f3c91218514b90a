"""How samples are loaded, and which frames of a sample are taken."""

from dataclasses import dataclass, field, replace
from typing import Literal

from clipmill.canvas.draw import DotStyle
from clipmill.errors import UsageError
from clipmill.training.buckets import Buckets


def frame_count(span: int, *, stride: int, num_frames: int) -> int:
    """Return how many frames are taken: the largest 4N+1 that fits.

    Rounding comes after the stride, so the result is 4N+1 whatever the stride.

    Args:
        span: Source frames there are from the first one on, at least 1.
        stride: Every how many source frames one is taken.
        num_frames: Upper bound of the result.
    """
    there = min(num_frames, (span - 1) // stride + 1)
    return (there - 1) // 4 * 4 + 1


def source_span(num_frames: int, *, stride: int) -> int:
    """Return how many source frames `num_frames` at a stride reach over."""
    return (num_frames - 1) * stride + 1


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Settings shared by the datasets.

    Attributes:
        height: Of everything that is returned, pixels; None with `buckets`.
        width: Of everything that is returned, pixels; None with `buckets`.
        buckets: Several sizes (and frame counts) in place of one; load them with
            `BucketBatches`.
        num_frames: Most frames of a sample, 4N+1; 49 and 81 are usual. Frame counts of `buckets`
            take its place.
        min_frames: Samples with fewer frames (after the stride) are left out; None for
            `num_frames`, so that all samples have the same length and stack into batches.
        stride: Every how many source frames one is taken.
        fit: `crop` scales the frame to cover the target and cuts the rest off, the aspect ratio
            stays; `stretch` scales both sides to the target.
        point_dropout: Chance of each point to be left out; one per object always stays.
        drop_identity: Chance that the identity image is blank (stage 2).
        largest_regions: The region is drawn from this many, the largest by area (stage 2).
        seed: Of everything random.
        on_error: `raise`, or `next`: warn and give the next sample whose video can be read.
        style: How points are drawn.

    Raises:
        UsageError: A value that cannot be meant.
    """

    height: int | None = None
    width: int | None = None
    buckets: Buckets | None = None
    num_frames: int = 81
    min_frames: int | None = None
    stride: int = 1
    fit: Literal["crop", "stretch"] = "crop"
    point_dropout: float = 0.0
    drop_identity: float = 0.0
    largest_regions: int = 5
    seed: int = 0
    on_error: Literal["raise", "next"] = "raise"
    style: DotStyle = field(default_factory=DotStyle)

    def __post_init__(self) -> None:
        self._check_size()
        for name in ("num_frames", "stride", "largest_regions"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("num_frames", "least_frames"):
            if getattr(self, name) % 4 != 1:
                raise UsageError(
                    f"{name.replace('least', 'min')} must be 4N+1 (49, 81, ...), "
                    f"not {getattr(self, name)}"
                )
        if not 1 <= self.least_frames <= self.most_frames:
            raise UsageError(f"min_frames must be in [1, num_frames], not {self.min_frames}")
        for name in ("point_dropout", "drop_identity"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must be in [0, 1], not {getattr(self, name)}")
        for name, known in (("fit", ("crop", "stretch")), ("on_error", ("raise", "next"))):
            if getattr(self, name) not in known:
                raise UsageError(f"{name} must be one of {known}, not {getattr(self, name)!r}")

    def _check_size(self) -> None:
        for name in ("height", "width"):
            side = getattr(self, name)
            if self.buckets is None and (side is None or side < 1):
                raise UsageError(f"{name} must be at least 1, not {side} (or give buckets)")
            if self.buckets is not None and side is not None:
                raise UsageError(f"give either {name} or buckets, not both")
        if self.buckets is not None and self.min_frames is not None:
            raise UsageError("min_frames does not go with buckets; give them frame_counts")

    @property
    def shapes(self) -> Buckets:
        """The buckets; one of a single size when there are none."""
        if self.buckets is None:
            return Buckets(((self.width or 1, self.height or 1),), (self.num_frames,))
        return replace(self.buckets, frame_counts=self.buckets.frame_counts or (self.num_frames,))

    @property
    def least_frames(self) -> int:
        """Fewest frames of a sample, after the stride."""
        if self.buckets is not None:
            return self.shapes.frame_counts[0]
        return self.num_frames if self.min_frames is None else self.min_frames

    @property
    def most_frames(self) -> int:
        """Most frames of a sample, after the stride."""
        return self.shapes.frame_counts[-1]
