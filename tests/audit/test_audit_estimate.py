"""What an audit comes to, from its answers."""

import pytest
from audit_rows import drawn, judged, population
from sklearn.metrics import cohen_kappa_score

from clipmill.audit.answers import AnswerRow, answers_now
from clipmill.audit.estimate import evaluate_audit
from clipmill.audit.intervals import wilson

CLIPS = population(
    {
        ("kept", "", ""): 1000,
        ("dropped", "quality", ""): 7000,
        ("dropped", "motion", ""): 1000,
    }
)


def truth(clip_id: str, share: dict[int, int]) -> str:
    """Clips are named by group and number: of every ten of a group the first few are good."""
    group, number, _ = (int(part, 16 if not k else 10) for k, part in enumerate(clip_id.split("-")))
    return "good" if number % 10 < share[group] else "bad"


def answers(audit, share=None, words=truth):
    return {clip: words(clip, share or {0: 9, 1: 1, 2: 5}) for clip in audit.blind.clips}


@pytest.mark.parametrize("by", ["state", "step", "none"])
def test_an_audit_of_200_finds_the_known_truth(by):
    """9 of 10 kept are good, 1 of 10 and 5 of 10 dropped: precision 0.9, yield 900 / 2100."""
    held = 0
    for number in range(100):
        audit = drawn(CLIPS, 200, by, f"a{number}")
        result = evaluate_audit(audit, judged(answers(audit)))
        assert result.judged == 200
        assert result.precision.low <= result.precision.value <= result.precision.high
        held += result.precision.low <= 0.9 <= result.precision.high
        held += result.yielded.low <= 900 / 2100 <= result.yielded.high
    assert held >= 180  # 190 of 200 are expected


def test_against_are_those_judged_otherwise():
    audit = drawn(CLIPS, 100, "step")
    said = answers(audit)
    found = evaluate_audit(audit, judged(said)).against
    expected = {
        clip
        for clip, word in said.items()
        if (word == "good") != (audit.verdicts[clip].state == "kept")
    }
    assert {one.clip_id for one in found} == expected
    dropped = next(one for one in found if one.state == "dropped")
    assert dropped.reason == f"rule of {dropped.step}"


def test_a_judge_who_is_not_done_is_not_counted():
    audit = drawn(CLIPS, 50)
    rows = judged(answers(audit), close=False)
    result = evaluate_audit(audit, rows)
    assert (result.judged, result.precision, result.against) == (0, None, ())
    assert result.under_way == {"ann": 50}
    assert all(stratum.judged == 0 for stratum in result.strata)


def test_half_an_audit_is_an_estimate_too():
    audit = drawn(CLIPS, 200)
    some = dict(list(answers(audit).items())[:80])
    result = evaluate_audit(audit, judged(some))
    assert result.judged == 80
    assert result.precision.low <= 0.9 <= result.precision.high


def test_unsure_counts_neither_way():
    audit = drawn(CLIPS, 100)
    said = answers(audit)
    kept = [clip for clip in said if audit.verdicts[clip].state == "kept"]
    said |= dict.fromkeys(kept[:10], "unsure")
    result = evaluate_audit(audit, judged(said))
    assert result.unsure == 10
    good = sum(said[clip] == "good" for clip in kept)
    assert result.precision == wilson(good, len(kept) - 10, 1000)


def test_strata_without_an_answer_are_collapsed():
    audit = drawn(CLIPS, 60, "step")
    said = {c: w for c, w in answers(audit).items() if audit.verdicts[c].step != "motion"}
    result = evaluate_audit(audit, judged(said))
    counts = {s.name: s.judged for s in result.strata}
    assert counts["dropped at motion"] == 0
    kept, dropped = (
        next(s for s in result.strata if s.name == n).share.value
        for n in ("kept", "dropped at quality")
    )
    expected = 1000 * kept / (1000 * kept + 8000 * dropped)
    assert result.yielded.value == pytest.approx(expected)


def test_nothing_judged_of_the_dropped_gives_no_yield():
    audit = drawn(CLIPS, 40)
    said = {c: w for c, w in answers(audit).items() if audit.verdicts[c].state == "kept"}
    result = evaluate_audit(audit, judged(said))
    assert result.precision is not None
    assert result.yielded is None


def test_two_judges_and_their_kappa():
    audit = drawn(CLIPS, 100)
    first = answers(audit)
    second = (
        first | dict.fromkeys(list(first)[:7], "unsure") | dict.fromkeys(list(first)[7:20], "bad")
    )
    result = evaluate_audit(audit, [*judged(first), *judged(second, "bob")])
    (found,) = result.agreements
    assert found.judges == ("ann", "bob")
    assert found.kappa == pytest.approx(
        cohen_kappa_score(list(first.values()), [second[c] for c in first])
    )
    # Where they contradict each other, nothing is known; where one is unsure, the other counts.
    contradictions = sum({first[c], second[c]} == {"good", "bad"} for c in first)
    assert contradictions
    assert result.unsure == contradictions


def test_judges_who_always_say_one_thing_have_no_kappa():
    audit = drawn(CLIPS, 20)
    same = dict.fromkeys(audit.blind.clips, "good")
    (found,) = evaluate_audit(audit, [*judged(same), *judged(same, "bob")]).agreements
    assert (found.same, found.kappa) == (20, None)


def test_an_answer_can_be_taken_back_and_changed():
    def row(clip_id: str, answer: str) -> AnswerRow:
        return AnswerRow(judge="ann", clip_id=clip_id, answer=answer, at="2026")

    rows = [
        row("a", "good"),
        row("b", "bad"),
        row("a", "undone"),
        row("b", "good"),
        row("c", "bad"),
    ]
    assert answers_now(rows, "ann") == {"b": "good", "c": "bad"}
    assert answers_now(rows, "bob") == {}
