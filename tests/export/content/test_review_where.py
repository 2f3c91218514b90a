"""`--where` over what people said."""

import pytest

from clipmill.choice import parse_where
from clipmill.export.content.facts.run_facts import RunFacts
from clipmill.export.content.sample_filter import _check, _met

STARRED = {"review": {"star": True, "tags": ["night", "city"], "notes": 2, "verdict": "keep"}}
UNSAID = {"review": None}


@pytest.mark.parametrize(
    ("text", "starred", "unsaid"),
    [
        ("review.star", True, False),
        ("review.star == 1", True, False),
        ("review.star == 0", False, True),
        ("review.tag == 'night'", True, False),
        ("review.tag = 'day'", False, False),
        ("review.tag != 'city'", False, True),
        ("review.star and review.tag == 'city'", True, False),
        ("review.tag == 'night' and review.star", True, False),
        ("review.notes > 1", True, False),
        ("review.verdict == 'keep'", True, False),
        ("review_star = 1", True, False),
    ],
)
def test_what_people_said_chooses_samples(text, starred, unsaid):
    conditions = parse_where(text)
    _check(conditions, {})
    assert _met(conditions, STARRED, RunFacts(), {}) is starred
    assert _met(conditions, UNSAID, RunFacts(), {}) is unsaid
