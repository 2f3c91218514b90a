"""`/clips`, the same as data, and the values of one number."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from clipmill.browse.catalogue import CatalogueClip, CataloguePage, Query
from clipmill.browse.catalogue.dates import DATE
from clipmill.browse.grid.view import chips_of, order_choices, told_number
from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.errors import UsageError
from clipmill.inspection.histogram import number

MAX_CAPTION: Final = 400
"""Characters of a caption that are shown; a search reads all of them."""

_BINS = 32


def grid_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""

    def grid(request: Request) -> Response:
        catalogue = site.catalogue
        query = Query.parse(request.query_params.multi_items())
        page = catalogue.query(query)
        return show_page(
            "clips.html.j2",
            site,
            page=page,
            query=page.query,
            chips=chips_of(page.query),
            orders=order_choices(catalogue),
            levels={name: level for name, level in catalogue.levels.items() if name != DATE},
            short=_short,
            number=number,
            told_number=told_number,
        )

    def data(request: Request) -> Response:
        page = site.catalogue.query(Query.parse(request.query_params.multi_items()))
        return JSONResponse(_plain(page))

    def values(request: Request) -> Response:
        asked = [pair for pair in request.query_params.multi_items() if pair[0] != "of"]
        name = request.query_params.get("of", "")
        if not name:
            raise UsageError("say of which number: ?of=quality.clarity")
        query = Query.parse(asked).without_range(name)
        column = site.catalogue.column(name)
        mine = np.isin(column.rows, site.catalogue.rows(query))
        return JSONResponse(_spread(name, column.level, column.values[mine]))

    return [
        Route("/clips", grid),
        Route("/clips.json", data),
        Route("/clips/values.json", values),
    ]


def _short(text: str) -> str:
    return text if len(text) <= MAX_CAPTION else text[:MAX_CAPTION] + "…"


def _plain(page: CataloguePage) -> dict[str, Any]:
    def row(clip: CatalogueClip) -> dict[str, Any]:
        return clip.plain() | {"caption": _short(clip.caption), "detail": _short(clip.detail)}

    return {
        "total": page.total,
        "of": page.of,
        "page": page.query.page,
        "pages": page.pages,
        "clips": [row(clip) for clip in page.clips],
        "facets": {facet.name: [vars(value) for value in facet.values] for facet in page.facets},
    }


def _spread(name: str, level: str, values: Any) -> dict[str, Any]:
    """Return range and histogram of some numbers."""
    finite = values[np.isfinite(values)]
    spread: dict[str, Any] = {"column": name, "level": level, "count": len(finite)}
    if len(finite):
        counts, edges = np.histogram(finite, bins=_BINS)
        spread |= {"low": float(finite.min()), "high": float(finite.max())}
        spread |= {"counts": counts.tolist(), "edges": edges.tolist()}
    return spread
