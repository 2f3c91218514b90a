"""Reasons of many clips, counted together."""

import pyarrow as pa

from clipmill.inspection.reasons import shared_reasons


def test_what_is_about_one_clip_is_left_out():
    rows = [
        ("blurred: a rule, not an error", "quality selection", False),
        ("decode: frame 7 of a.mp4", "probe", True),
        ("near-duplicate: of 1234-000000-000100, mirrored", "dedup selection", False),
        ("same content as one,\ntwo.mp4", "probe", False),
        ("dropped by Ann, 2026-11-28 08:10 UTC (shaky)", "review", False),
        ("kept, later dropped", "basic selection", False),
        (None, None, False),
    ]
    reasons, steps, error = (pa.chunked_array([list(column)]) for column in zip(*rows, strict=True))
    assert shared_reasons(reasons, steps, error=error).to_pylist() == [
        "blurred: a rule, not an error",
        "decode",
        "near-duplicate",
        "same content as",
        "dropped by Ann",
        "kept, later dropped",
        None,
    ]
