"""All that is missing on one screen, with the commands that get it."""

import importlib.util
import sys

import pytest

from clipmill.annotations.base import Needs
from clipmill.annotations.caption.openai import OpenAICaption
from clipmill.config import load_profile
from clipmill.config.load import parse_pipeline
from clipmill.config.overrides import with_settings
from clipmill.errors import UsageError
from clipmill.preflight.examine import commands, examine, grouped, refuse_missing, screen
from clipmill.preflight.finding import Finding


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with clipmill's base, and without driver."""
    extras = {"torch", "transformers", "safetensors", "openai", "accelerate"}
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name in extras else real(name, *a)
    )
    monkeypatch.setenv("PATH", str(tmp_path))


def test_frameino_with_nothing_there_is_one_screen_and_two_commands(bare):
    pipeline = load_profile("frameino")
    findings = examine(pipeline)
    told = screen(pipeline, [f for f in findings if f.is_missing])
    assert len(told) <= 10
    assert told[0].startswith("profile frameino cannot run here yet")
    text = "\n".join(told)
    for name in ("autoshot", "oneformer", "vggt4track", "cotracker3", "sam2", "qwen2.5-vl"):
        assert text.count(name) >= 1
    assert "torch" in text and "no GPU" in text and "GB)" in text
    assert told[-3:] == [
        "Get it with:",
        '  pip install "clipmill[frameino]"',
        "  clipmill models pull --profile frameino",
    ]


def test_frameino_with_a_server_says_that_it_is_not_there(bare):
    pipeline = with_settings(
        load_profile("frameino"),
        ["caption.backend=openai", "caption.config.base_url=http://127.0.0.1:1/v1"],
    )
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:1/v1 does not answer"):
        refuse_missing(pipeline, examine(pipeline))


def test_what_only_idle_steps_need_is_let_off():
    pipeline = load_profile("frameino")
    server = Finding("server", "caption (openai)", "missing", "does not answer", step="caption")
    refuse_missing(pipeline, [server], idle={"caption"})
    with pytest.raises(UsageError):
        refuse_missing(pipeline, [server], idle={"objects"})
    disk = Finding("disk", "/", "missing", "0 MB free")
    with pytest.raises(UsageError, match="0 MB free"):
        refuse_missing(pipeline, [disk, server], idle={"caption"})


def test_warnings_stop_nothing():
    refuse_missing(load_profile("embedded"), [Finding("OpenCV", "cv2", "warning", "2 builds")])


def test_a_package_comes_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(OpenAICaption, "needs", Needs(modules=("no_such_module",), extra="models"))
    steps = "name: x\nsteps:\n  - annotate: probe\n  - {annotate: caption, backend: openai}\n"
    found = examine(parse_pipeline(steps, name="x.yaml"))
    (package,) = [f for f in found if f.check == "packages" and f.is_missing]
    assert (package.name, package.command) == ("no_such_module", 'pip install "clipmill[models]"')


def test_things_with_the_same_words_are_one_line():
    found = [
        Finding("weights", "a", "missing", "not here", size_bytes=10**9, command="pull"),
        Finding("weights", "b", "missing", "not here", command="pull"),
        Finding("weights", "c", "ok", "here"),
    ]
    assert [group.text for group in grouped(found)] == [
        "a, b (at least 1.0 GB): not here",
        "c: here",
    ]
    assert commands(found) == ["pull"]


def test_the_embedded_profile_is_examined_without_heavy_libraries():
    import subprocess

    code = (
        "import sys, time\n"
        "from clipmill.config import load_profile\n"
        "pipeline = load_profile('embedded')\n"
        "from clipmill.pipeline.ready import check_ready\n"
        "found = check_ready(pipeline, sys.argv[1])\n"
        "assert found and not any(f.is_missing for f in found), found\n"
        "assert not {'torch', 'transformers', 'httpx2', 'openai'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, "/nowhere/ws"], check=True)
