"""Who may ask the server."""

import http.client

import pytest

from clipmill.browse.site import Site


def ask(site: Site, path: str, *, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """Ask the server as it is; headers with underscores for dashes."""
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    link.putrequest(method, path, skip_host=True)
    named = {"Host": f"127.0.0.1:{site.port}"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in named.items():
        link.putheader(name, value)
    link.endheaders()
    return link.getresponse()


def cookie(site: Site) -> str:
    return f"clipmill-{site.port}={site.token}"


def test_the_printed_address_leads_in_and_the_token_leaves_the_address(site):
    answer = ask(site, f"/?token={site.token}&step=quality")
    assert answer.status == 303
    assert answer.headers["location"] == "/?step=quality"
    given = answer.headers["set-cookie"]
    assert "HttpOnly" in given
    assert "samesite=strict" in given.lower()
    assert ask(site, "/", Cookie=given.partition(";")[0]).status == 200


def test_the_entry_leads_to_no_other_host(site):
    answer = ask(site, f"//evil.example/?token={site.token}")
    assert answer.headers["location"].startswith("/evil.example")


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/static/base.css"])
def test_without_the_token_nothing_is_served(site, path):
    assert ask(site, path).status == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", ""])
def test_another_host_is_refused(site, host):
    answer = ask(site, "/", Host=host.format(port=site.port), Cookie=cookie(site))
    assert answer.status == 421


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
def test_a_write_from_another_origin_is_refused(site, origin):
    headers = {"Cookie": cookie(site), "Content_Length": "0"}
    headers |= {"Origin": origin} if origin else {}
    assert ask(site, "/", method="POST", **headers).status == 403


def test_no_file_outside_of_the_static_ones_is_served(site):
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"):
        assert ask(site, path, Cookie=cookie(site)).status == 404


def test_every_answer_forbids_foreign_scripts_and_frames(site):
    policy = ask(site, "/", Cookie=cookie(site)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
