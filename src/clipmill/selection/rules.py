"""Rules of a selection, as they stand in the pipeline file."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    reason: str | None = None


class RangeRule(_Rule):
    """Keep values inside a range; needs at least one bound.

    Attributes:
        column: Column it reads.
        reason: Shown for what it drops; a text made of the bound when None.
        min: Kept from this value on: `width >= 400` is `min: 400`.
        max: Kept up to this value.
        above: Kept when greater: `num_frames > 100` is `above: 100`.
        below: Kept when less.
    """

    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None

    @model_validator(mode="after")
    def _has_one_sane_range(self) -> "RangeRule":
        if self.min is not None and self.above is not None:
            raise ValueError("give either min (>=) or above (>), not both")
        if self.max is not None and self.below is not None:
            raise ValueError("give either max (<=) or below (<), not both")
        low = self.min if self.min is not None else self.above
        high = self.max if self.max is not None else self.below
        if low is None and high is None:
            raise ValueError(
                "a rule needs a bound (min, max, above or below), shares to drop (drop), "
                "or values to keep (one_of)"
            )
        open_ended = self.above is not None or self.below is not None
        if low is not None and high is not None and (low > high or (low == high and open_ended)):
            raise ValueError(f"no value lies between {low:g} and {high:g}")
        return self


class ValueRule(_Rule):
    """Keep listed values.

    Attributes:
        column: Column it reads; text, number or bool.
        reason: Shown for what it drops.
        one_of: The values to keep.
    """

    one_of: tuple[bool | int | float | str, ...]

    @model_validator(mode="after")
    def _lists_a_value(self) -> "ValueRule":
        if not self.one_of:
            raise ValueError("one_of needs at least one value")
        return self


class QuantileRule(_Rule):
    """Drop shares of the population, sorted ascending by value.

    Attributes:
        column: Column it reads.
        reason: Shown for what it drops; a text like `top 10 %` when None.
        drop: Shares [low, high) to drop: `[[0.9, 1.0]]` is the top 10 %,
            `[[0, 0.03], [0.99, 1]]` the bottom 3 % and the top 1 %.
    """

    drop: tuple[tuple[Share, Share], ...]

    @model_validator(mode="after")
    def _shares_ascend(self) -> "QuantileRule":
        # not a length constraint: pydantic reports that as well when a share itself is wrong
        if not self.drop:
            raise ValueError("drop needs at least one share, for example [[0.9, 1.0]]")
        for low, high in self.drop:
            if low >= high:
                raise ValueError(
                    f"[{low:g}, {high:g}] is no share of the population: "
                    "the first number must be less than the second"
                )
        return self


def _kind(value: Any) -> str:
    names = value if isinstance(value, dict) else type(value).model_fields
    if "drop" in names:
        return "QuantileRule"
    return "ValueRule" if "one_of" in names else "RangeRule"


Rule = Annotated[
    Annotated[RangeRule, Tag("RangeRule")]
    | Annotated[ValueRule, Tag("ValueRule")]
    | Annotated[QuantileRule, Tag("QuantileRule")],
    Discriminator(_kind),
]
"""Told apart by its fields: `drop` makes a quantile rule, `one_of` a value rule, the others a
range rule."""
