"""What can be known to be wrong is said before any work."""

import pytest
from pipelines import pipeline_on, run

from clipmill.config import load_pipeline, load_profile
from clipmill.config.load import parse_pipeline
from clipmill.errors import UsageError
from clipmill.pipeline.check import check_pipeline


def problems(steps: str) -> str:
    with pytest.raises(UsageError) as caught:
        check_pipeline(parse_pipeline("name: x\nsteps:\n" + steps, name="x.yaml"))
    return str(caught.value)


def test_the_embedded_profile_is_sound():
    check_pipeline(load_profile("embedded"))


def test_the_frameino_profile_is_sound_wherever_it_cannot_run():
    check_pipeline(load_profile("frameino"))


def test_what_is_wrong_is_told_with_its_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: x\nsteps:\n  - annotate: probe\n    config:\n      max_pixel: 3\n"
        "  - annotate: quality\n    backend: best\n"
        "  - select: a\n    rules:\n      - {column: probe.width, min: 1}\n"
        "      - column: probe.wide\n        min: 1\n"
        "  - split: shots\n"
    )
    with pytest.raises(UsageError) as caught:
        check_pipeline(load_pipeline(path))
    setting, backend, column, split = str(caught.value).splitlines()
    assert setting.startswith(f"{path}:5: ")
    assert "did you mean 'max_pixels'" in setting
    assert backend.startswith(f"{path}:7: ") and "there are: embedded, frameino" in backend
    assert column.startswith(f"{path}:11: ") and "width" in column
    assert split.startswith(f"{path}:13: ")


def test_an_unknown_backend_lists_those_there_are():
    assert "there are: embedded" in problems("  - {annotate: quality, backend: best}\n")


def test_an_unknown_annotation_lists_those_there_are():
    assert "known are: probe" in problems("  - {annotate: beauty}\n")


def test_a_bad_setting_is_named():
    text = problems("  - {annotate: probe, config: {max_pixel: 3}}\n")
    assert "config.max_pixel" in text


def test_a_column_nobody_computes_is_named():
    text = problems("  - {select: a, rules: [{column: quality.clarity, min: 1}]}\n")
    assert "no earlier step computes 'quality'" in text


def test_an_unknown_column_lists_those_there_are():
    text = problems(
        "  - {annotate: probe}\n  - {select: a, rules: [{column: probe.wide, min: 1}]}\n"
    )
    assert "no column 'wide'" in text
    assert "width" in text


def test_texts_are_kept_by_value():
    rule = "  - {annotate: probe}\n  - {select: a, rules: [{column: probe.transfer, %s}]}\n"
    kept = "name: x\nsteps:\n" + rule % "one_of: [bt709, unknown]"
    check_pipeline(parse_pipeline(kept, name="x.yaml"))
    assert "one_of" in problems(rule % "min: 1")


def test_a_split_needs_its_annotation():
    assert "annotate: shots" in problems("  - {annotate: probe}\n  - {split: shots}\n")


def test_a_backend_of_ones_own_must_fit(tmp_path):
    text = problems("  - {annotate: shots, backend: 'pipelines:Scores'}\n")
    assert "computes 'quality'" in text
    assert "cannot be imported" in problems("  - {annotate: shots, backend: 'nope:X'}\n")


def test_until_must_name_a_step(tmp_path):
    with pytest.raises(UsageError, match="no such step"):
        run(pipeline_on(tmp_path), tmp_path / "ws", until="qualty")


def test_an_annotation_of_clips_needs_the_files_probed_before():
    assert problems("- annotate: shots") == "x.yaml:3: shots: needs `annotate: probe` before it"
