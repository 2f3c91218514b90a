"""What an audit comes to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from clipmill.audit.agreement import JudgesAgreement, agreement
from clipmill.audit.answers import AnswerRow, answers_now, answers_of, closed_judges
from clipmill.audit.intervals import Interval, Weighted, ratio_of_good, weighted_sum, wilson
from clipmill.audit.schema import DROPPED, KEPT, AuditStratum, DrawnAudit


@dataclass(frozen=True)
class GroupShare:
    """A group of judged clips: a stratum, or those that one step decided about.

    Attributes:
        name: For people.
        state: `kept` or `dropped`.
        clips: Members of the population; None where it is not known.
        good: Judged good.
        judged: Judged good or bad.
        share: Good over judged with its interval; None when none was judged.
    """

    name: str
    state: str
    clips: int | None
    good: int
    judged: int
    share: Interval | None


@dataclass(frozen=True)
class Against:
    """A clip that was judged against the pipeline.

    Attributes:
        clip_id: The clip.
        state: What the pipeline decided: `kept`, though judged bad, or `dropped`, though good.
        step: The step that dropped it.
        reason: Its rule.
        path: Of the video.
    """

    clip_id: str
    state: str
    step: str
    reason: str
    path: str


@dataclass(frozen=True)
class AuditResult:
    """An audit as far as judges are done with it.

    Attributes:
        id: The audit.
        created: When it was drawn.
        by: What the sample was divided by.
        drawn: Clips in the sample.
        judges: Who is done.
        under_way: Answers so far of judges that are not, by name.
        judged: Clips with an answer of a judge who is done.
        unsure: Clips of these that count neither as good nor as bad: unsure, or judges disagree.
        precision: Share of the kept clips that are good; None when none of them was judged.
        yielded: Share of the good clips that were kept; None when that cannot be told.
        strata: The parts that were drawn from.
        steps: The dropped clips by the step that dropped them, where these are no strata.
        against: Clips that were judged against the pipeline.
        agreements: Of every two judges that are done.
    """

    id: str
    created: str
    by: str
    drawn: int
    judges: tuple[str, ...]
    under_way: Mapping[str, int]
    judged: int
    unsure: int
    precision: Interval | None
    yielded: Interval | None
    strata: tuple[GroupShare, ...]
    steps: tuple[GroupShare, ...]
    against: tuple[Against, ...]
    agreements: tuple[JudgesAgreement, ...]


def evaluate_audit(audit: DrawnAudit, rows: Sequence[AnswerRow]) -> AuditResult:
    """Evaluate an audit. Answers of judges who are not done yet stay out: they are blind still.

    Args:
        audit: As it was drawn.
        rows: Answers, oldest first.
    """
    drawn = set(audit.blind.clips)
    done = {
        judge: {clip_id: word for clip_id, word in answers.items() if clip_id in drawn}
        for judge, answers in answers_of(rows).items()
    }
    told = Counter(clip_id for answers in done.values() for clip_id in answers)
    agreed = _agreed(done)
    strata = tuple(_stratum(stratum, audit, agreed) for stratum in audit.strata)
    parts = {state: _weighted(strata, state) for state in (KEPT, DROPPED)}
    kept, dropped = parts[KEPT], parts[DROPPED]
    size = sum(part.weight for part in kept or ())
    precision = weighted_sum([Weighted(p.weight / size, p.share) for p in kept]) if kept else None
    open_ = sorted({row.judge for row in rows} - set(closed_judges(rows)))
    return AuditResult(
        id=audit.blind.id,
        created=audit.blind.created,
        by=audit.blind.by,
        drawn=len(drawn),
        judges=tuple(sorted(done)),
        under_way={judge: len(answers_now(rows, judge)) for judge in open_},
        judged=len(told),
        unsure=len(told) - len(agreed),
        precision=precision,
        yielded=None if kept is None or dropped is None else ratio_of_good(kept, dropped),
        strata=strata,
        steps=() if audit.blind.by == "step" else tuple(_steps(audit, agreed)),
        against=tuple(_against(audit, agreed)),
        agreements=tuple(
            found
            for pair in combinations(sorted(done), 2)
            if (found := agreement(pair, done[pair[0]], done[pair[1]])) is not None
        ),
    )


def _agreed(done: Mapping[str, Mapping[str, str]]) -> dict[str, bool]:
    """Return whether each clip is good: as most of who are not unsure say; ties are left out."""
    votes: Counter[str] = Counter()
    for answers in done.values():
        for clip_id, word in answers.items():
            votes[clip_id] += {"good": 1, "bad": -1}.get(word, 0)
    return {clip_id: vote > 0 for clip_id, vote in votes.items() if vote}


def _stratum(stratum: AuditStratum, audit: DrawnAudit, agreed: Mapping[str, bool]) -> GroupShare:
    mine = [
        good for clip_id, good in agreed.items() if audit.verdicts[clip_id].stratum == stratum.name
    ]
    share = wilson(sum(mine), len(mine), stratum.clips) if mine else None
    return GroupShare(stratum.name, stratum.state, stratum.clips, sum(mine), len(mine), share)


def _weighted(strata: Sequence[GroupShare], state: str) -> list[Weighted] | None:
    """Return the strata of a state with their sizes; None when none of its clips was judged.

    Members of strata of which none was judged count with the largest that was: strata are collapsed
    so (W. G. Cochran, Sampling Techniques, 3rd ed., 5A.12).
    """
    mine = [stratum for stratum in strata if stratum.state == state]
    sizes = {stratum.name: stratum.clips or 0 for stratum in mine}
    seen = [stratum for stratum in mine if stratum.share is not None]
    lost = sum(sizes[stratum.name] for stratum in mine if stratum.share is None)
    if not seen:
        return [] if not lost else None
    largest = max(seen, key=lambda stratum: sizes[stratum.name])
    sizes[largest.name] += lost
    return [
        Weighted(sizes[one.name], wilson(one.good, one.judged, sizes[one.name])) for one in seen
    ]


def _steps(audit: DrawnAudit, agreed: Mapping[str, bool]) -> list[GroupShare]:
    groups: dict[str, list[bool]] = {}
    for clip_id, good in agreed.items():
        verdict = audit.verdicts[clip_id]
        if verdict.state == DROPPED:
            groups.setdefault(verdict.step, []).append(good)
    # The sizes of these groups are not known, but are far over the sample's: no correction.
    endless = 1 << 40
    return [
        GroupShare(step, DROPPED, None, sum(g), len(g), wilson(sum(g), len(g), endless))
        for step, g in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _against(audit: DrawnAudit, agreed: Mapping[str, bool]) -> list[Against]:
    found = []
    for clip_id in audit.blind.clips:
        verdict = audit.verdicts[clip_id]
        if clip_id in agreed and agreed[clip_id] != (verdict.state == KEPT):
            found.append(
                Against(clip_id, verdict.state, verdict.step, verdict.reason, verdict.path)
            )
    return found
