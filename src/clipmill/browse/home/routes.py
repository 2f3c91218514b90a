"""The first page."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.inspection.funnel import funnel
from clipmill.pipeline.recorded.last_run import PIPELINE_FILE
from clipmill.results.outcomes import Status
from clipmill.store.workspace import Workspace


def home_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""

    def home(_: Request) -> Response:
        run, catalogue = site.run, site.catalogue
        counts = catalogue.facet_counts("state")
        return show_page(
            "home.html.j2",
            site,
            name=run.context.pipeline.name,
            videos=len(run.listing.videos),
            ran_at=_ran_at(run.context.workspace),
            total=len(catalogue),
            states=[(state, counts[state]) for state in get_args(Status) if counts.get(state)],
            samples=run.reports[-1].samples,
            steps=funnel(run.reports),
        )

    return [Route("/", home)]


def _ran_at(workspace: Workspace) -> str:
    """Return when the last run began, in local time; empty where the storage does not tell."""
    path = workspace.local_path(PIPELINE_FILE)
    if path is None or not path.is_file():
        return ""
    began = datetime.fromtimestamp(path.stat().st_mtime, UTC).astimezone()
    return began.strftime("%Y-%m-%d %H:%M")
