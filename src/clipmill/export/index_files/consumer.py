"""What a trainer's index takes: numbers of frames, sizes, samples of which stage."""

from dataclasses import dataclass

from clipmill.export.content.timeline import CountRule, allowed_count


@dataclass(frozen=True)
class Consumer:
    """An index (or a stage) of a format that not every piece can be in.

    Attributes:
        name: As people see it in counts: `stage 2`, `ltx`.
        min_frames: Fewest frames it takes.
        count: Numbers of frames it takes.
        multiple: Sides must be multiples of this.
        stage: Training stage that samples must be ready for.
        remedy: What to change when no sample gets there.
    """

    name: str
    min_frames: int = 1
    count: CountRule = "any"
    multiple: int = 1
    stage: int = 1
    remedy: str = ""

    def why_not(self, num_frames: int, size: tuple[int, int]) -> str:
        """Return why a video of this many frames and (width, height) is not taken; else empty."""
        if num_frames < self.min_frames:
            return f"fewer than {self.min_frames} frames"
        if allowed_count(num_frames, self.count) != num_frames:
            return f"frames are not {self.count.upper()}"
        if any(side % self.multiple for side in size):
            return f"sides are no multiples of {self.multiple}"
        return ""
