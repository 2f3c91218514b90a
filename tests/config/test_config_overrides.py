"""`--set step.field=value`: what it changes, and what it says when it cannot."""

import pytest

from clipmill.config import dump_pipeline, load_profile
from clipmill.config.load import parse_pipeline
from clipmill.config.overrides import with_settings
from clipmill.errors import UsageError
from clipmill.pipeline.check import check_pipeline

TEXT = """
name: mine
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.width, min: 400, reason: resolution}
      - {column: probe.fps, min: 20, max: 31, reason: fps}
  - split: windows
  - annotate: shots
    config: {threshold: 0.35}
  - split: shots
  - select: v1.5
    rules: [{column: probe.fps, min: 3}, {column: clip.num_frames, above: 3},
            {column: probe.fps, max: 90}]
"""


@pytest.fixture
def pipeline():
    return parse_pipeline(TEXT, name="mine.yaml", option="--config mine.yaml")


CHANGES = {
    ("basic.rules.width.min=300",): ("min: 400", "min: 300"),
    ("basic.rules.0.min=300",): ("min: 400", "min: 300"),
    ("basic selection.rules.fps.reason=too slow",): ("reason: fps", "reason: too slow"),
    ("windows.max_frames=200",): ("split: windows", "split: windows\n    max_frames: 200"),
    ("window split.max_frames = 200",): ("split: windows", "split: windows\n    max_frames: 200"),
    ("shots.config.threshold=0.2",): ("threshold: 0.35", "threshold: 0.2"),
    ("shots.threshold=0.3",): ("split: shots", "split: shots\n    threshold: 0.3"),
    ("shots.config={threshold: 0.1}",): ("threshold: 0.35", "threshold: 0.1"),
    ("probe.config.max_pixels=9",): (
        "annotate: probe", "annotate: probe\n    config: {max_pixels: 9}"
    ),
    ("shots.time_limit=null",): ("split: windows", "split: windows"),
    ("v1.5.rules.2.max=60",): ("max: 90", "max: 60"),
    ("basic.rules.fps.min=1", "basic.rules.fps.min=2"): ("min: 20", "min: 2"),
}  # fmt: skip


@pytest.mark.parametrize("settings", CHANGES, ids=str)
def test_a_setting_is_as_if_written_in_the_file(pipeline, settings):
    changed = with_settings(pipeline, settings)
    written = parse_pipeline(TEXT.replace(*CHANGES[settings]), name="other")
    assert changed == written
    assert parse_pipeline(dump_pipeline(changed), name="dumped") == written


def test_a_setting_works_on_a_profile():
    changed = with_settings(
        load_profile("embedded"), ["quality.min_population=7", "objects.config.max_objects=2"]
    )
    (quality,) = [step for step in changed.steps if getattr(step, "select", "") == "quality"]
    (objects,) = [step for step in changed.steps if getattr(step, "annotate", "") == "objects"]
    assert quality.min_population == 7
    assert objects.config["max_objects"] == 2
    check_pipeline(changed)


WRONG = {
    "basic": "no value is given",
    "basic.min_population=": "no value is given",
    "basic=3": "which field of 'basic'?",
    "basik.min_population=3": "there is no step 'basik'; did you mean 'basic'?",
    "basic.min_populaton=3": "the step 'basic' has no field 'min_populaton'; "
    "did you mean 'min_population'?",
    "shots.treshold=3": "did you mean 'threshold'?",
    "probe.max_pixels=3": "a setting of its backend is probe.config.max_pixels",
    "basic.select=other": "has no field 'select'",
    "basic.min_population=many": "steps.1.min_population: Input should be a valid integer",
    "basic.rules.width.mim=3": "did you mean 'min'?",
    "basic.rules.widht.min=3": "there is no rule on 'widht'; did you mean 'width'?",
    "v1.5.rules.fps.min=3": "several rules read 'fps'; say which: 0 or 2",
    "basic.min_population.x=3": "there is nothing in which 'x' could be set",
    "basic.min_population=[": "not valid YAML",
    "basic.min_population=!!python/object/apply:os.getcwd []": "not valid YAML",
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_is_named_with_what_there_is(pipeline, setting):
    with pytest.raises(UsageError) as caught:
        with_settings(pipeline, [setting])
    assert str(caught.value).startswith(f"--set {setting}")
    assert WRONG[setting] in str(caught.value)


def test_errors_found_later_name_the_setting_and_not_a_line(pipeline):
    changed = with_settings(pipeline, ["shots.config.treshold=2", "basic.rules.fps.column=probe.f"])
    with pytest.raises(UsageError) as caught:
        check_pipeline(changed)
    told = str(caught.value).splitlines()
    assert told[0].startswith("--set basic.rules.fps.column=probe.f: select: basic: 'probe' has no")
    assert told[1].startswith("--set shots.config.treshold=2: annotate: shots")
    assert "did you mean 'threshold'?" in told[1]


def test_a_fault_of_the_file_still_has_its_line(pipeline):
    bad = parse_pipeline(TEXT.replace("probe.width", "probe.widht"), name="mine.yaml")
    with pytest.raises(UsageError, match=r"^mine\.yaml:7: select: basic: 'probe' has no column"):
        check_pipeline(with_settings(bad, ["windows.max_frames=200"]))
