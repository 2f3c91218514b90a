"""What an audit holds: the clips in the order of judging, and apart from them the verdicts."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

StrataBy = Literal["state", "step", "source", "none"]
"""What the sample is divided by: kept and dropped clips in halves (`state`), the dropped half over
the steps that dropped (`step`), both halves over the sources (`source`), or nothing (`none`)."""

Judged = Literal["good", "bad", "unsure"]
"""Answers to: is this clip good?"""

KEPT: Final = "kept"
DROPPED: Final = "dropped"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BlindAudit(_Frozen):
    """All that a page of judging gets to know.

    Attributes:
        id: Name of the audit, its folder in `audits/`.
        created: ISO 8601 time, UTC.
        wanted: Clips that were asked for.
        by: What the sample is divided by.
        clips: Content ids of the clips that were drawn, in an order that tells nothing.
    """

    id: str
    created: str
    wanted: int
    by: StrataBy
    clips: tuple[str, ...]


class AuditStratum(_Frozen):
    """A part of the population that was drawn from by itself.

    Attributes:
        name: For people, e.g. `dropped at motion`.
        state: `kept` or `dropped`.
        clips: Clips in it.
        drawn: How many of them were drawn.
    """

    name: str
    state: str
    clips: int
    drawn: int


class AuditVerdict(_Frozen):
    """What the pipeline had decided when a clip was drawn.

    Attributes:
        stratum: Name of its stratum.
        state: `kept` or `dropped`.
        step: The step that dropped it; empty for a kept one.
        reason: Its rule.
        source: Name of the source.
        path: Of the video, relative to its source.
    """

    stratum: str
    state: str
    step: str = ""
    reason: str = ""
    source: str = ""
    path: str = ""


class DrawnAudit(_Frozen):
    """An audit as it was drawn; reruns change nothing of it.

    Attributes:
        blind: What judges may know.
        strata: What was drawn from.
        verdicts: By clip.
    """

    blind: BlindAudit
    strata: tuple[AuditStratum, ...]
    verdicts: Mapping[str, AuditVerdict]
