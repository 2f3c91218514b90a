"""Words and lines of text against what EasyOCR 1.7.2 makes of the same maps and words."""

import json

import numpy as np
import pytest
from golden_weights import GOLDENS

from clipmill.annotations.quality.measures.text_boxes import word_boxes
from clipmill.annotations.quality.measures.text_lines import lines_of

GOLDEN = json.loads((GOLDENS / "text_boxes.json").read_text("utf-8"))


def test_words_are_found_where_the_library_finds_them():
    with np.load(GOLDENS / "text_maps.npz") as file:
        maps = file["maps"].astype(np.float32) / np.float32(255)
    found = [word_boxes(text_map[..., 0], text_map[..., 1], scale=2 / 0.8) for text_map in maps]
    assert [[box.tolist() for box in boxes] for boxes in found] == GOLDEN["boxes"]
    assert sum(map(len, found)) > 40


@pytest.mark.parametrize("number", range(len(GOLDEN["lines"])))
def test_words_are_joined_to_lines_as_the_library_joins_them(number):
    case = GOLDEN["lines"][number]
    upright, slanted = lines_of([np.array(word, np.int32) for word in case["words"]])
    assert [list(box) for box in upright] == case["upright"]
    assert [corners.tolist() for corners in slanted] == case["slanted"]


def test_the_cases_hold_every_kind():
    lines = [case for case in GOLDEN["lines"] if case["upright"]]
    assert any(len(case["upright"]) + len(case["slanted"]) < len(case["words"]) for case in lines)
    assert any(case["slanted"] for case in lines)
    assert any(not case["words"] for case in GOLDEN["lines"])
