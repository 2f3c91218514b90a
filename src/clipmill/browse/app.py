"""Puts the pages together: each room gives its routes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from clipmill.browse.audit.routes import audit_routes
from clipmill.browse.clip.routes import clip_routes
from clipmill.browse.duplicates.routes import duplicates_routes
from clipmill.browse.grid.routes import grid_routes
from clipmill.browse.guard import Guard
from clipmill.browse.home.routes import home_routes
from clipmill.browse.judging.routes import judging_routes
from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.browse.thumbs.routes import thumbnail_routes
from clipmill.browse.whatif.routes import whatif_routes
from clipmill.errors import ClipmillError, UsageError

Room = Callable[[Site], Sequence[BaseRoute]]

ROOMS: Final[tuple[Room, ...]] = (
    home_routes,
    grid_routes,
    thumbnail_routes,
    clip_routes,
    whatif_routes,
    judging_routes,
    audit_routes,
    duplicates_routes,
)
"""One line per room, a sub-package of `browse` each."""

STATIC: Final = Path(__file__).parent / "static"

SHARED: Final[list[str | tuple[str, str]]] = [("clipmill.inspection", "static")]
"""Scripts and styles that the report uses as well."""


def make_app(site: Site) -> ASGIApp:
    """Return the app over a workspace, guarded.

    The guard stands around everything, also around what answers for errors that nobody expected.
    """

    def refuse(_: Request, error: Exception) -> Response:
        status = 400 if isinstance(error, UsageError) else 500
        return show_page("error.html.j2", site, status=status, message=str(error))

    def missing(request: Request, _: Exception) -> Response:
        text = f"there is no page {request.url.path[:200]}"
        return show_page("error.html.j2", site, status=404, message=text)

    def broken(_: Request, error: Exception) -> Response:
        text = f"this is an error of clipmill ({type(error).__name__}); its log has the details"
        return show_page("error.html.j2", site, status=500, message=text)

    app = Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=STATIC, packages=SHARED)),
            *(route for room in ROOMS for route in room(site)),
        ],
        exception_handlers={ClipmillError: refuse, 404: missing, Exception: broken},
    )
    return Guard(app, site)
