"""Puts the pages together: each room gives its routes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from clipmill.browse.duplicates.routes import duplicates_routes
from clipmill.browse.guard import Guard
from clipmill.browse.home.routes import home_routes
from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.errors import ClipmillError, UsageError

Room = Callable[[Site], Sequence[BaseRoute]]

ROOMS: Final[tuple[Room, ...]] = (home_routes, duplicates_routes)
"""One line per room, a sub-package of `browse` each."""

STATIC: Final = Path(__file__).parent / "static"


def make_app(site: Site) -> Starlette:
    """Return the app over a workspace, guarded."""

    def refuse(_: Request, error: Exception) -> Response:
        status = 400 if isinstance(error, UsageError) else 500
        return show_page("error.html.j2", site, status=status, message=str(error))

    return Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=STATIC)),
            *(route for room in ROOMS for route in room(site)),
        ],
        middleware=[Middleware(Guard, site=site)],
        exception_handlers={ClipmillError: refuse},
    )
