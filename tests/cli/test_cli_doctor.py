"""`clipmill doctor`, and what is said at the start of a run."""

import json

import pytest

from media import make_clip

PIPELINE = """
name: asking
steps:
  - annotate: probe
  - annotate: objects
  - annotate: caption
    backend: openai
    config: {base_url: "http://127.0.0.1:1/v1", model: tiny}
"""


@pytest.fixture(autouse=True)
def no_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.delenv("CLIPMILL_CAPTION_URL", raising=False)


def test_embedded_needs_nothing(clipmill, tmp_path):
    code, out, _ = clipmill("doctor", "--profile", "embedded", "-w", tmp_path / "ws")
    assert code == 0
    assert out.rstrip().endswith("profile embedded can run here")
    assert not (tmp_path / "ws").exists()


def test_frameino_with_nothing_there_is_one_screen(clipmill):
    code, out, _ = clipmill("doctor", "--profile", "frameino")
    assert code == 2
    lines = out.splitlines()
    assert len(lines) <= 24
    assert "  clipmill models pull --profile frameino" in lines
    assert lines[-1] == "profile frameino cannot run here yet"
    (weights,) = [line for line in lines if line.startswith("missing  weights")]
    assert "autoshot" in weights and "GB)" in weights


def test_the_answer_for_scripts_has_every_finding(clipmill, tmp_path):
    (tmp_path / "p.yaml").write_text(PIPELINE)
    code, out, _ = clipmill("doctor", "-c", tmp_path / "p.yaml", "-i", tmp_path / "gone", "--json")
    answer = json.loads(out)
    assert code == 2 and answer["ready"] is False
    assert (answer["command"], answer["pipeline"]) == ("doctor", "asking")
    missing = {f["check"]: f for f in answer["findings"] if f["state"] == "missing"}
    assert set(missing) >= {"server", "source"}
    assert "vllm serve tiny" in missing["server"]["todo"]


def test_a_pipeline_that_is_wrong_is_told_as_well(clipmill, tmp_path):
    (tmp_path / "p.yaml").write_text("name: x\nsteps:\n  - annotate: probe\n    backend: best\n")
    code, out, _ = clipmill("doctor", "--config", tmp_path / "p.yaml")
    assert code == 2 and "no backend 'best'" in out


def test_profile_and_file_are_one_too_many(clipmill, tmp_path):
    code, _, err = clipmill("doctor", "-p", "cpu", "-c", tmp_path / "p.yaml")
    assert code == 2 and "not both" in err


def test_a_run_without_its_caption_server_is_refused_before_any_work(clipmill, tmp_path):
    make_clip(tmp_path / "in" / "a.mp4", size=(64, 48), frames=12)
    (tmp_path / "p.yaml").write_text(PIPELINE)
    code, out, err = clipmill(
        "run", "-c", tmp_path / "p.yaml", "-i", tmp_path / "in", "-w", tmp_path / "ws"
    )
    assert code == 2 and not out
    assert "server: caption (openai): http://127.0.0.1:1/v1 does not answer" in err
    assert not (tmp_path / "ws").exists()
