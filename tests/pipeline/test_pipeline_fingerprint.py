"""What decides the name of a table, and what does not."""

import pytest

from clipmill.config.load import parse_pipeline
from clipmill.pipeline.context import Context
from clipmill.store.workspace import Workspace

TEXT = """
name: fingerprints
steps:
  - annotate: probe
  - annotate: caption
    backend: openai
    config: {CONFIG}
"""


@pytest.fixture
def fingerprint(tmp_path):
    workspace = Workspace.open(tmp_path, create=True)

    def of(config: str, *, probe: str = "annotate: probe") -> str:
        # The caption backend reads objects; one that computes nothing will do.
        text = TEXT.replace("{CONFIG}", "{" + config + "}").replace("annotate: probe", probe)
        text = text.replace("  - annotate: caption", "  - annotate: objects\n  - annotate: caption")
        return Context(workspace, parse_pipeline(text, name="t")).stages["caption"].fingerprint

    return of


def test_settings_that_decide_the_result_decide_the_fingerprint(fingerprint):
    plain = fingerprint("")
    assert fingerprint("") == plain
    assert fingerprint("max_words: 30") != plain
    assert fingerprint("model: other") != plain


@pytest.mark.parametrize(
    "config", ["concurrency: 2", "base_url: 'http://elsewhere/v1'", "retries: 9", "timeout: 5"]
)
def test_where_and_how_fast_it_runs_recomputes_nothing(fingerprint, config):
    assert fingerprint(config) == fingerprint("")


@pytest.mark.parametrize(
    "field",
    ["workers: 3", "gpus: 0.25", "decode_threads: 2", "ahead: 9", "batch_size: 2", "unit_size: 5"],
)
def test_what_workers_are_given_recomputes_nothing(tmp_path, field):
    workspace = Workspace.open(tmp_path, create=True)
    text = "name: t\nsteps: [{annotate: probe}, {annotate: shots, FIELD}]"

    def of(field: str) -> str:
        pipeline = parse_pipeline(text.replace("FIELD", field), name="t")
        return Context(workspace, pipeline).stages["shots"].fingerprint

    assert of(field) == of("backend: embedded")


def test_what_an_annotation_reads_decides_its_fingerprint(fingerprint):
    other = "annotate: probe\n    config: {max_pixels: 1000}"
    assert fingerprint("", probe=other) != fingerprint("")


def test_selections_are_no_part_of_it(fingerprint):
    more = "annotate: probe\n  - select: basic\n    rules: [{column: probe.width, min: 1}]"
    assert fingerprint("", probe=more) == fingerprint("")
