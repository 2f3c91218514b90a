"""Selections: rules over columns in, a verdict for every item out. Knows no video, no step."""

from clipmill.selection.cuts import Cut
from clipmill.selection.groups import drop_thin_groups, share_kept
from clipmill.selection.rules import QuantileRule, RangeRule, Rule, ValueRule
from clipmill.selection.select import Selection, select

__all__ = [
    "Cut",
    "QuantileRule",
    "RangeRule",
    "Rule",
    "Selection",
    "ValueRule",
    "drop_thin_groups",
    "select",
    "share_kept",
]
