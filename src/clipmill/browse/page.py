"""Renders templates of pages; every text of users is escaped."""

from functools import cache
from typing import Any

import jinja2
from starlette.responses import HTMLResponse

from clipmill import __version__
from clipmill.browse.site import Site
from clipmill.inspection.templates import escaping_environment


@cache
def _environment() -> jinja2.Environment:
    return escaping_environment("clipmill.browse")


def show_page(template: str, site: Site, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page.

    Args:
        template: Name of a file in `browse/templates`, e.g. `clip.html.j2`.
        site: What all pages know.
        status: Of the answer.
        **values: What the template shows besides `site` and `version`.
    """
    text = _environment().get_template(template).render(site=site, version=__version__, **values)
    return HTMLResponse(text, status)
