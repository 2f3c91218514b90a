import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from clipmill.selection import QuantileRule, RangeRule, Rule, ValueRule


class Step(BaseModel):
    rules: tuple[Rule, ...]


def parse(**fields):
    return TypeAdapter(Rule).validate_python(fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"column": "w", "min": 400}, RangeRule(column="w", min=400)),
        ({"column": "w", "above": 1, "max": 2}, RangeRule(column="w", above=1, max=2)),
        ({"column": "c", "one_of": ["h264", "av1"]}, ValueRule(column="c", one_of=("h264", "av1"))),
        ({"column": "c", "one_of": [True]}, ValueRule(column="c", one_of=(True,))),
        (
            {"column": "s", "drop": [[0, 0.03], [0.99, 1]], "reason": "odd"},
            QuantileRule(column="s", drop=((0, 0.03), (0.99, 1)), reason="odd"),
        ),
    ],
)
def test_a_rule_is_told_apart_by_its_fields(fields, expected):
    rule = parse(**fields)
    assert type(rule) is type(expected)
    assert rule == expected
    assert parse(**rule.model_dump(mode="json", exclude_defaults=True)) == expected
    assert Step(rules=(expected,)).rules == (expected,)
    assert hash(rule) == hash(expected)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"column": "w"}, "needs a bound"),
        ({"min": 1}, "Field required"),
        ({"column": "w", "min": 1, "above": 1}, "either min"),
        ({"column": "w", "max": 1, "below": 1}, "either max"),
        ({"column": "w", "min": 2, "max": 1}, "no value lies between 2 and 1"),
        ({"column": "w", "above": 2, "max": 2}, "no value lies between 2 and 2"),
        ({"column": "w", "min": float("nan")}, "finite"),
        ({"column": "w", "max": float("inf")}, "finite"),
        ({"column": "w", "min": "wide"}, "valid number"),
        ({"column": "w", "mni": 1}, "Extra inputs"),
        ({"column": "w", "drop": [[0.9, 1]], "min": 1}, "Extra inputs"),
        ({"column": "w", "drop": []}, "at least one share"),
        ({"column": "w", "drop": [[1, 0.9]]}, r"\[1, 0.9\] is no share"),
        ({"column": "w", "drop": [[0.5, 0.5]]}, "is no share"),
        ({"column": "w", "drop": [[90, 100]]}, "less than or equal to 1"),
        ({"column": "w", "drop": [0.9, 1]}, "valid tuple"),
        ({"column": "w", "one_of": []}, "at least one value"),
    ],
)
def test_a_wrong_rule_gets_one_clear_error(fields, text):
    with pytest.raises(ValidationError, match=text):
        parse(**fields)


def test_min_equal_to_max_is_one_value():
    assert RangeRule(column="w", min=2, max=2).min == 2


def test_errors_point_at_the_field_of_the_rule_that_was_meant():
    with pytest.raises(ValidationError) as caught:
        Step.model_validate(
            {"rules": [{"column": "w", "min": 1}, {"column": "s", "drop": [[2, 3]]}]}
        )
    locations = {error["loc"] for error in caught.value.errors()}
    assert locations == {("rules", 1, "QuantileRule", "drop", 0, n) for n in (0, 1)}
