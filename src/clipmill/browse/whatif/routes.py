"""The page `/whatif`, its answers, and saving a changed pipeline."""

import json
from collections.abc import Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.browse.whatif.answer import WhatIf
from clipmill.errors import ClipmillError, UsageError


def whatif_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""
    whatif = WhatIf(site)

    def page(_: Request) -> Response:
        return show_page("whatif.html.j2", site)

    def data(request: Request) -> Response:
        try:
            return JSONResponse(whatif.answer(request.query_params.getlist("set")))
        except UsageError as error:
            return JSONResponse({"problem": str(error)}, 400)

    async def save(request: Request) -> Response:
        try:
            settings = _settings(await request.body())
            return JSONResponse(await run_in_threadpool(whatif.save, settings))
        except ClipmillError as error:
            return JSONResponse({"problem": str(error)}, 400)

    return [
        Route("/whatif", page),
        Route("/whatif/data", data),
        Route("/whatif/save", save, methods=["POST"]),
    ]


def _settings(body: bytes) -> list[str]:
    try:
        value: Any = json.loads(body)
    except ValueError as error:
        raise UsageError("the request is no JSON") from error
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UsageError("the request is no list of settings")
    return value
