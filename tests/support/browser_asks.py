"""Requests to `clipmill browse` as whoever has opened its address would send them."""

import http.client
from urllib.parse import quote

from clipmill.browse.site import Site


def ask(site: Site, path: str, *, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """Ask the server with the cookie of its address; headers with underscores for dashes."""
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    named = {"Cookie": f"clipmill-{site.port}={site.token}"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    link.request(method, quote(path, safe="/?&=%.-+"), headers=named)
    return link.getresponse()


def text_of(site: Site, path: str) -> str:
    """Return a page; it must be one."""
    answer = ask(site, path)
    text = answer.read().decode()
    assert answer.status == 200, text
    return text


def address_of(site: Site, path: str) -> str:
    """Return the address of a page with the token, to open it in a browser."""
    return f"http://127.0.0.1:{site.port}{path}{'&' if '?' in path else '?'}token={site.token}"
