from pathlib import Path

import pytest

from clipmill.config import dump_pipeline, load_pipeline, load_profile, profile_names
from clipmill.config.load import parse_pipeline
from clipmill.errors import UsageError

GOOD = """\
name: mine
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.width, min: 400}
"""


@pytest.mark.parametrize("name", profile_names())
def test_profiles_load_and_survive_a_round_trip(name):
    pipeline = load_profile(name)
    assert parse_pipeline(dump_pipeline(pipeline), name="dump") == pipeline


def test_both_profiles_ship():
    assert {"embedded", "frameino"} <= set(profile_names())


def test_unknown_profile_lists_those_there_are():
    with pytest.raises(UsageError, match="embedded"):
        load_profile("embeded")


def refuse(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_pipeline(text, name="p.yaml")
    return str(caught.value)


def test_a_typo_is_named_with_its_line_and_the_field_that_was_meant():
    message = refuse(GOOD.replace("column: probe.width, min", "colum: probe.width, min"))
    assert "p.yaml:6:" in message
    assert "did you mean 'column'" in message


def test_an_unknown_step_word_is_named_with_its_line():
    message = refuse(GOOD.replace("annotate: probe", "anotate: probe"))
    assert message.startswith("p.yaml:3:")
    assert "annotate: NAME" in message


def test_a_wrong_type_is_named_with_its_line():
    message = refuse(GOOD.replace("min: 400", "min: wide"))
    assert "p.yaml:6:" in message
    assert "min" in message


def test_a_syntax_error_has_a_line():
    assert "p.yaml:" in refuse("name: [\nsteps: x: y")


def test_keys_given_twice_are_refused():
    assert "p.yaml:2: 'name' is given twice" in refuse("name: a\nname: b\nsteps: []\n")


def test_steps_given_twice_are_refused():
    assert "listed twice" in refuse(GOOD + "  - annotate: probe\n")


def test_columns_need_their_annotation():
    message = refuse(GOOD.replace("probe.width", "width"))
    assert "annotation.column" in message
    assert "p.yaml:" in message


def test_yaml_is_read_safely():
    assert "p.yaml:" in refuse("name: !!python/object/apply:os.system ['true']\nsteps: []")


def test_an_empty_file_and_a_list_are_refused():
    assert "empty" in refuse("")
    assert "mapping" in refuse("- a")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        load_pipeline(tmp_path / "nowhere.yaml")
