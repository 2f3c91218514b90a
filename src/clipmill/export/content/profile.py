"""Frame profiles: rate, number and size of frames that a model is trained on."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from clipmill.canvas.placement import Placement
from clipmill.errors import UsageError
from clipmill.export.content.timeline import CountRule


def _exact_rate(value: object) -> Fraction:
    """Read a rate; 23.976, 29.97 and 59.94 stand for n * 1000 / 1001, as everywhere in video."""
    rate = Fraction(str(value))
    ntsc = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    if rate.denominator > 1 and ntsc and abs(rate - ntsc) < Fraction(5, 1000):
        return ntsc
    return rate.limit_denominator(1001)


Rate = Annotated[Fraction, BeforeValidator(_exact_rate), PlainSerializer(str)]
"""Frames per second; `30000/1001`, 29.97 and 16 are all understood."""


class FrameProfile(BaseModel):
    """What every video of an export has in common.

    Sizes are (width, height) in pixels. With neither size nor aspect the source's own size stays,
    rounded down to `multiple` by cutting off the border.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    fps: Rate | None = Field(
        default=None, gt=0, description="Frames per second; the source's when None."
    )
    count: CountRule = Field(default="any", description="Numbers of frames allowed.")
    min_frames: int = Field(default=1, ge=1, description="Samples with fewer frames are left out.")
    max_frames: int | None = Field(default=None, ge=1, description="Most frames of a sample.")
    size: tuple[int, int] | None = Field(default=None, description="Width and height in pixels.")
    aspect: tuple[int, int] | None = Field(
        default=None, description="Width to height, kept by cutting."
    )
    long_side: int | None = Field(
        default=None, ge=16, description="Longer side at most, in pixels."
    )
    multiple: int = Field(
        default=2, ge=2, multiple_of=2, description="Sides are multiples of this."
    )
    region_grid: int = Field(
        default=1,
        ge=1,
        le=128,
        description="Sides of regions are moved inward to multiples of this.",
    )
    fit: Literal["crop", "stretch"] = Field(
        default="crop", description="How the frame meets the size."
    )
    centre: Literal["frame", "objects"] = Field(
        default="frame", description="What the cut keeps in its middle."
    )
    resample: Literal["shown", "interpolated"] = Field(
        default="shown",
        description="Tracks and poses of the source frame that is shown, or of the moment itself.",
    )

    @model_validator(mode="after")
    def _agree(self) -> "FrameProfile":
        if self.size is not None and (self.aspect or self.long_side):
            raise ValueError("size fixes the aspect and the longer side; leave those out")
        if self.size is not None and any(side % self.multiple for side in self.size):
            raise ValueError(f"both sides of size must be multiples of {self.multiple}")
        if self.max_frames is not None and self.max_frames < self.min_frames:
            raise ValueError("max_frames is less than min_frames")
        return self

    def placement(
        self, width: int, height: int, *, centre: tuple[float, float] | None = None
    ) -> Placement:
        """Return where a source frame goes.

        Args:
            width: Source pixels.
            height: Source pixels.
            centre: x, y in source pixels to have in the middle, as far as the frame reaches.
        """
        source = width, height
        if self.size is not None:
            if self.fit == "stretch":
                return Placement.stretched(source, self.size)
            return Placement.cropped(source, self.size, centre=centre)
        across, down = self._largest(width, height)
        scale = min(1.0, self.long_side / max(across, down)) if self.long_side else 1.0
        target = tuple(self._rounded(side * scale) for side in (across, down))
        if scale == 1.0:
            return _cut(source, (target[0], target[1]), centre)
        return Placement.cropped(source, (target[0], target[1]), centre=centre)

    def _largest(self, width: int, height: int) -> tuple[int, int]:
        """Return the largest size of the wanted aspect inside a frame."""
        if self.aspect is None:
            return width, height
        across, down = self.aspect
        if width * down > height * across:
            return height * across // down, height
        return width, width * down // across

    def _rounded(self, side: float) -> int:
        return max(self.multiple, int(side) // self.multiple * self.multiple)


def _cut(
    source: tuple[int, int], target: tuple[int, int], centre: tuple[float, float] | None
) -> Placement:
    """Return a placement that cuts without scaling (frames below the target are scaled)."""
    if target[0] > source[0] or target[1] > source[1]:
        return Placement.cropped(source, target, centre=centre)
    middle = centre or (source[0] / 2, source[1] / 2)
    x, y = (
        min(max(round(m - t / 2), 0), s - t) for m, s, t in zip(middle, source, target, strict=True)
    )
    return Placement(source, source, target, (x, y))


PROFILES: dict[str, FrameProfile] = {
    "source": FrameProfile(),
    "wan2.1": FrameProfile(
        fps=Fraction(16), count="4n+1", max_frames=81, size=(832, 480), multiple=16, region_grid=16
    ),
    "wan2.2-5b": FrameProfile(
        fps=Fraction(24), count="4n+1", max_frames=121, multiple=32, region_grid=32
    ),
    "hunyuan": FrameProfile(
        fps=Fraction(24), count="4n+1", max_frames=129, multiple=16, region_grid=16
    ),
    "ltx": FrameProfile(count="8n+1", max_frames=257, multiple=32, region_grid=32),
    "cosmos": FrameProfile(min_frames=94, multiple=16, region_grid=16),
    "cogvideox": FrameProfile(
        fps=Fraction(8),
        count="4n+1",
        min_frames=49,
        max_frames=49,
        size=(720, 480),
        multiple=16,
        region_grid=16,
    ),
}
"""Profiles by the name of the model family; what a family leaves open stays the source's."""


def find_profile(name: str) -> FrameProfile:
    """Return a profile by name.

    Raises:
        UsageError: Names those there are.
    """
    if name not in PROFILES:
        raise UsageError(f"no frame profile '{name}'; there are: {', '.join(PROFILES)}")
    return PROFILES[name]
