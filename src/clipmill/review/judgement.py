"""One judgement: a row that names what it is about by content."""

import hashlib
import json
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from clipmill.clips import Clip
from clipmill.review.limits import name_of_judge, value_of

VERSION: Final = 1
"""Of the rows. Rows of a later version are left alone, and told of."""

Kind = Literal["keep", "drop", "star", "tag", "caption", "drop_object", "note", "undo"]

_WHEN: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_Frame = Annotated[int, Field(ge=0, lt=1 << 31)]
_Pixels = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]


class Judgement(BaseModel):
    """What one person said of one clip, sample or object, once.

    Attributes:
        version: Of the row's form.
        kind: `keep`, `drop`, `star`, `tag`, `caption`, `drop_object`, `note`, or `undo`, which
            takes another judgement back.
        video_id: Name of the video's content, 16 hex digits.
        start: First frame of the clip in the video.
        end: One past its last frame.
        anchor: Frame OF THE VIDEO at which an object was seen, or a sample begins; None for the
            whole clip.
        box: x0, y0, x1, y1 of an object at that frame, source pixels, half-open; None when it is
            not about an object or its box was not known.
        object_id: Id that the object had; empty when it is not about an object.
        value: Reason, tag, caption, note, or the id of the judgement that is taken back.
        who: Who said it.
        when: Moment in UTC, `2026-11-28T08:00:00.000000Z`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Literal[1] = 1
    kind: Kind
    video_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    start: _Frame
    end: _Frame
    anchor: _Frame | None = None
    box: Annotated[tuple[_Pixels, _Pixels, _Pixels, _Pixels], Field(strict=False)] | None = None
    object_id: Annotated[str, Field(max_length=100, pattern=r"^[0-9a-z-]*$")] = ""
    value: str = ""
    who: str
    when: str = ""

    @field_validator("who")
    @classmethod
    def _is_a_name(cls, who: str) -> str:
        return name_of_judge(who)

    @field_validator("when")
    @classmethod
    def _is_a_moment(cls, when: str) -> str:
        if when and datetime.strptime(when, _WHEN).strftime(_WHEN) != when:
            raise ValueError(f"when: {when!r} is no moment like {moment()}")
        return when

    @model_validator(mode="after")
    def _is_about_something(self) -> "Judgement":
        if not self.start < self.end:
            raise ValueError(f"a clip needs start < end, not [{self.start}, {self.end})")
        if self.anchor is not None and not self.start <= self.anchor < self.end:
            raise ValueError(f"frame {self.anchor} is not in the clip [{self.start}, {self.end})")
        if self.box is not None and (self.anchor is None or not _is_box(self.box)):
            raise ValueError("a box needs x0 < x1, y0 < y1 and the frame in which it was seen")
        if self.kind == "drop_object" and not (self.object_id or self.box):
            raise ValueError("drop_object: which object? Give its id")
        object.__setattr__(self, "value", value_of(self.kind, self.value))
        return self

    @cached_property
    def id(self) -> str:
        """16 hex digits of everything in the row: a row that was altered has another id."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @property
    def clip(self) -> Clip:
        """The clip that was judged."""
        return Clip(self.video_id, self.start, self.end)

    @property
    def told(self) -> str:
        """Who and when, for people: `Ann, 2026-11-28 08:00 UTC`."""
        return f"{self.who}, {self.when[:10]} {self.when[11:16]} UTC"


def _is_box(box: tuple[float, float, float, float]) -> bool:
    x0, y0, x1, y1 = box
    return x0 < x1 and y0 < y1


def moment(after: str = "") -> str:
    """Return the moment now in UTC, or the one next to `after` where a clock went back."""
    now = datetime.now(UTC).strftime(_WHEN)
    if now > after:
        return now
    ticks = datetime.strptime(after, _WHEN).replace(tzinfo=UTC).timestamp() * 1e6
    return datetime.fromtimestamp((round(ticks) + 1) / 1e6, UTC).strftime(_WHEN)


def judge_clip(
    clip_id: str, kind: Kind, value: str = "", *, who: str, anchor: int | None = None
) -> Judgement:
    """Return a judgement of a clip; the store says when.

    Args:
        clip_id: The clip.
        kind: What is said.
        value: Reason, tag, caption or note.
        who: Who says it.
        anchor: Where the sample begins that it is about, counted from the clip's start; None for
            the whole clip.

    Raises:
        ValueError: It is no clip id, or a text cannot be taken; says why.
    """
    clip = Clip.parse(clip_id)
    return Judgement(
        kind=kind,
        video_id=clip.video_id,
        start=clip.start,
        end=clip.end,
        anchor=None if anchor is None else clip.start + anchor,
        value=value,
        who=who,
    )


def judge_object(
    object_id: str, value: str = "", *, who: str, box: tuple[float, ...] | None = None
) -> Judgement:
    """Return a judgement that drops one object of a clip.

    Args:
        object_id: `{clip_id}-a{anchor}-o{number}`.
        value: A reason.
        who: Who says it.
        box: x0, y0, x1, y1 at the anchor, source pixels; with it the object is known again where
            objects are numbered in another way, or the clip is cut in another way.

    Raises:
        ValueError: It is no object id, or a text cannot be taken; says why.
    """
    clip_id, at, rest = object_id.rpartition("-a")
    anchor, _, number = rest.partition("-o")
    if not (at and anchor.isdecimal() and number.isdecimal()):
        raise ValueError(f"not an object id: {object_id!r}")
    clip = Clip.parse(clip_id)
    given: dict[str, Any] = {} if box is None else {"box": tuple(map(float, box))}
    return Judgement(
        kind="drop_object",
        video_id=clip.video_id,
        start=clip.start,
        end=clip.end,
        anchor=clip.start + int(anchor),
        object_id=object_id,
        value=value,
        who=who,
        **given,
    )
