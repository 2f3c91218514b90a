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


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_aliases_are_bounded_by_what_they_stand_for():
    message = refuse(BOMB)
    assert message.startswith("p.yaml:5: more than")
    assert "aliases counted" in message


@pytest.mark.parametrize("text", ["name: &a [*a]", "name: &a {b: {c: *a}}", "a: &a\n  - <<: *a"])
def test_what_contains_itself_is_refused_with_its_line(text):
    message = refuse(text)
    assert message.startswith("p.yaml:")
    assert "alias '*a' stands inside of what it names" in message


def test_depth_and_size_are_bounded(tmp_path: Path):
    for deep in ("[" * 100_000, "{a: " * 50_000, "- " * 50_000):
        assert "levels inside each other" in refuse(deep)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# " + b"x" * (3 << 20))
    with pytest.raises(UsageError, match=r"large\.yaml: more than 1 MB"):
        load_pipeline(large)


def test_aliases_still_save_writing():
    text = GOOD.replace("- annotate: probe", "- annotate: probe\n    config: &c {max_pixels: 9}")
    text += "  - {annotate: shots, config: *c}\n"
    probe, _, shots = parse_pipeline(text, name="p.yaml").steps
    assert probe.config == shots.config == {"max_pixels": 9}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2024-13-45", "'2024-13-45' is no timestamp"),
        ("!!int ''", "'' is no int"),
        ("!!bool perhaps", "'perhaps' is no bool"),
        ("9" * 5_000, "is no int"),
        ("*nothing", "undefined alias"),
        ("\x00", "special characters are not allowed"),
    ],
)
def test_values_that_are_none_have_a_line_and_no_traceback(value, said):
    message = refuse(f"name: x\nsteps: {value}")
    assert said in message
    assert len(message) < 200


@pytest.mark.parametrize("key", ["? [a]\n: b", "? {a: b}\n: c", "1: 2"])
def test_names_are_text(key):
    assert refuse(key).startswith("p.yaml:1: ")


def test_a_pipeline_knows_where_it_was_written():
    places = parse_pipeline(GOOD, name="p.yaml").places
    assert places.of("steps", 1, "rules", 0, "column") == "p.yaml:6: "
    assert places.of("steps", 1, "rules", 9, "column") == "p.yaml:5: "
    assert places.of("nothing") == "p.yaml: "
    written = load_profile("cpu").places
    assert written.option == "--profile cpu"
    assert written.of("steps", 0).startswith("profile cpu:")


def test_an_empty_file_and_a_list_are_refused():
    assert "empty" in refuse("")
    assert "mapping" in refuse("- a")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        load_pipeline(tmp_path / "nowhere.yaml")
