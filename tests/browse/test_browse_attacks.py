"""What strangers, and strange names, may try."""

import http.client

import pytest
from browser_asks import ask, text_of
from served_site import served
from starlette.routing import Route
from tiny_run import SCRIPT

from clipmill.browse import app, serve
from clipmill.errors import UsageError


def test_an_error_that_nobody_expected_carries_the_headers_too(workspace, monkeypatch):
    def broken(_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(app, "ROOMS", (*app.ROOMS, lambda site: [Route("/broken", broken)]))
    with served(workspace) as site:
        answer = ask(site, "/broken")
        text = answer.read().decode()
        assert answer.status == 500
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "ZeroDivisionError" in text and "secret" not in text and "Traceback" not in text
        assert ask(site, "/clips").status == 200


def test_every_kind_of_answer_carries_the_headers(site):
    for path, status in (
        ("/", 200), ("/clips?colour=red", 400), ("/nothing", 404), ("/thumb/x", 404),
        ("/static/clips.css", 200), ("/static/nothing.css", 404), ("/clips.json", 200),
    ):  # fmt: skip
        answer = ask(site, path)
        assert answer.status == status, path
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_wrong_query_is_told_as_text(site):
    answer = ask(site, "/clips?state=<script>alert(1)</script>")
    text = answer.read().decode()
    assert answer.status == 400
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text


@pytest.mark.parametrize("size", [60_000, 10_000_000])
def test_a_huge_address_is_refused_and_the_server_lives(site, size):
    try:
        status = ask(site, "/clips?q=" + "a" * size).status
    except (ConnectionError, http.client.BadStatusLine):
        status = 400  # it hung up before it had read all
    assert status in (200, 400, 414, 431)
    assert ask(site, "/clips").status == 200


def test_a_body_that_is_too_long_is_refused(site):
    origin = f"http://127.0.0.1:{site.port}"
    answer = ask(site, "/clips", method="POST", Origin=origin, Content_Length=str(1 << 40))
    assert answer.status == 413


def test_scripts_in_names_and_a_caption_of_ten_megabytes_are_text(tiny):
    with served(tiny.root) as site:
        text = text_of(site, "/clips")
        assert SCRIPT not in text
        assert "&lt;img src=x onerror=window.pwned=1&gt;.mp4" in text
        assert len(text) < 200_000
        found = text_of(site, "/clips?q=timbuktu")
        assert "long.mp4" in found and "one.mp4" not in found
        assert len(text_of(site, "/clips.json")) < 200_000


def test_two_servers_over_one_workspace(workspace):
    with served(workspace) as one, served(workspace) as other:
        assert one.port != other.port
        for site in (one, other):
            assert ask(site, "/clips").status == 200
        stranger = ask(one, "/", Cookie=f"clipmill-{one.port}={other.token}")
        assert stranger.status == 401


def test_a_port_that_is_taken(site):
    with pytest.raises(UsageError, match=f"port {site.port} cannot be used.*--port"):
        serve.listen(site.port)
    with serve.listen(None) as first, serve.listen(None) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


def test_a_workspace_that_is_gone_is_told_with_words(tiny, tmp_path):
    with served(tiny.root) as site:
        assert ask(site, "/clips").status == 200
        (tmp_path / "workspace").rename(tmp_path / "elsewhere")
        answer = ask(site, "/clips")
        assert answer.status in (400, 500)
        assert "no clipmill workspace" in answer.read().decode()
