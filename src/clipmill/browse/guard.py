"""Who may ask: this machine's own browser, with the token, on pages of this server.

A page of another origin can make a browser send requests here, and by DNS rebinding it can even
read the answers. So a request must name this server as its host, carry the token's cookie, and,
where it writes, come from a page of this server.
"""

import secrets
from typing import Final

from starlette.datastructures import Headers, QueryParams
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clipmill.browse.site import Site

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
MAX_BODY: Final = 1 << 20
"""Bytes of a request's body."""

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Refuses what is not allowed, before any page is asked.

    Args:
        app: The pages.
        site: Its port and token.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site
        names = ("127.0.0.1", "localhost", "[::1]")
        self._hosts = frozenset(f"{name}:{site.port}" for name in names)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._cookie = f"clipmill-{site.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "websocket":  # no page asks for one
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope) or self._entry(scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                raw = [(k.lower().encode(), v.encode()) for k, v in _HEADERS.items()]
                message["headers"] = [*message["headers"], *raw]
            await send(message)

        await (answer or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.get("host") not in self._hosts:
            return PlainTextResponse("this server answers to 127.0.0.1 only", 421)
        if scope["method"] in SAFE_METHODS:
            return None
        if headers.get("origin") not in self._origins:
            return PlainTextResponse("writing takes a page of this server", 403)
        if self._site.read_only:
            return PlainTextResponse("the workspace is open read-only", 403)
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return PlainTextResponse(f"a body has a length, of at most {MAX_BODY} bytes", 413)
        return None

    def _entry(self, scope: Scope) -> Response | None:
        """Return how one without the cookie comes in, or why not; None for one who has it."""
        known = HTTPConnection(scope).cookies.get(self._cookie, "")
        if secrets.compare_digest(known.encode(), self._site.token.encode()):
            return None
        query = QueryParams(scope["query_string"])
        if not secrets.compare_digest(query.get("token", "").encode(), self._site.token.encode()):
            return PlainTextResponse("open the address that `clipmill browse` has printed", 401)
        rest = [(name, value) for name, value in query.multi_items() if name != "token"]
        # A path that begins with two slashes would be another host.
        address = "/" + scope["path"].lstrip("/") + (f"?{QueryParams(rest)}" if rest else "")
        entry = RedirectResponse(address, 303)
        entry.set_cookie(self._cookie, self._site.token, httponly=True, samesite="strict")
        return entry
