"""A server of captions is asked before any work: is it there, and has it the model?"""

import pytest
from model_server import model_server

from clipmill.config.load import parse_pipeline
from clipmill.preflight.examined import Examined, wanted_of
from clipmill.preflight.finding import Finding
from clipmill.preflight.servers import check_servers


def look(url: str, model: str = "tiny", until: str = "") -> list[Finding]:
    pipeline = parse_pipeline(
        "name: x\nsteps:\n  - annotate: probe\n  - annotate: caption\n    backend: openai\n"
        f"    config: {{base_url: '{url}', model: {model}}}\n",
        name="x.yaml",
    )
    return list(check_servers(Examined(pipeline, wanted_of(pipeline, until))))


def test_a_server_with_the_model_is_well(models):
    models.models = ["other", "tiny"]
    (found,) = look(models.url)
    assert (found.state, found.name) == ("ok", "caption (openai)")
    assert found.text == f"{models.url} serves tiny"
    assert models.asked == ["/v1/models"]


@pytest.mark.parametrize("listed", [["other"], None])
def test_a_model_in_no_list_is_asked_for_a_word(models, listed):
    models.models, models.hidden = listed, ["tiny"]
    (found,) = look(models.url)
    assert found.state == "ok" and found.text.endswith("answers as tiny")
    assert models.asked == ["/v1/models", "/v1/chat/completions"]


def test_a_server_without_the_model_says_which_it_has(models):
    models.models = ["other"]
    (found,) = look(models.url)
    assert found.state == "missing" and found.step == "caption"
    assert "does not serve tiny; it has other" in found.text
    assert "vllm serve tiny" in found.todo


def test_a_server_that_is_not_there_is_told_with_its_address_and_how_to_start_one():
    with model_server() as gone:
        url = gone.url
    (found,) = look(url)
    assert found.state == "missing"
    assert found.text.startswith(f"{url} does not answer (")
    assert found.todo == "start it, for example: vllm serve tiny"


def test_a_key_is_sent_and_asked_for(models, monkeypatch):
    models.models, models.key = ["tiny"], "secret"
    (found,) = look(models.url)
    assert found.state == "missing" and "OPENAI_API_KEY" in found.todo
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    (found,) = look(models.url)
    assert found.state == "ok"
    assert "secret" not in found.text


def test_a_server_with_an_error_of_its_own_is_told(models):
    models.broken = True
    (found,) = look(models.url)
    assert found.state == "missing" and "503" in found.text


def test_the_address_of_the_environment_is_the_one_that_is_asked(models, monkeypatch):
    models.models = ["tiny"]
    monkeypatch.setenv("CLIPMILL_CAPTION_URL", models.url + "/")
    (found,) = look("http://127.0.0.1:1/v1")
    assert found.state == "ok" and models.url in found.text


def test_a_run_that_ends_before_the_captions_needs_none():
    assert not look("http://127.0.0.1:1/v1", until="probe")
