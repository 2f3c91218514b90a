"""The first page."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.inspection.funnel import funnel


def home_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""

    def home(_: Request) -> Response:
        return show_page("home.html.j2", site, steps=funnel(site.run.reports))

    return [Route("/", home)]
