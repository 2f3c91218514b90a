"""Addresses of one clip: `/clip/ID`, and below it data, pictures and pieces of layers."""

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import BaseRoute, Route

from clipmill.browse.clip.data import facts_of, facts_of_video, identity_image, layers_of
from clipmill.browse.clip.opened import (
    NotOfThisRunError,
    OpenClips,
    clips_of_video,
    name_of_video,
)
from clipmill.browse.clip.order import in_list
from clipmill.browse.clip.parts import KeptParts
from clipmill.browse.clip.standing import measured_ranking, ranking, titles
from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.clips import VIDEO_ID_DIGITS
from clipmill.errors import ClipmillError
from clipmill.inspection.preview import PART_FRAMES

_KEEP = {"Cache-Control": "private, max-age=86400"}
"""Pictures are named by content: a browser need not ask twice."""

Answer = Callable[[Request], Response]


def clip_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""
    room = _Room(site)
    told = [
        ("/data.json", room.data),
        ("/ranking.json", room.ranking),
        ("/layers/{anchor:int}/{number:int}.json", room.layers),
        ("/frame/{number:int}.jpg", room.frame),
        ("/image/{object_id}/{number:int}.png", room.image),
    ]
    below = [Route(f"/clip/{{clip_id}}{path}", partial(_told, answer)) for path, answer in told]
    part = Route("/clip/{clip_id}/part/{number:int}.mp4", room.part)
    return [Route("/clip/{clip_id}", room.page), part, *below]


def _told(answer: Answer, request: Request) -> Response:
    """Say in plain text what cannot be given; the page shows it."""
    try:
        return answer(request)
    except NotOfThisRunError as error:
        return PlainTextResponse(str(error), 404)
    except (ClipmillError, OSError) as error:  # a clip that is damaged or gone, a full disk
        return PlainTextResponse(str(error), 422)


def _json(data: Any) -> Response:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A name may hold bytes that are no UTF-8.
    return Response(text.encode("utf-8", "backslashreplace"), media_type="application/json")


class _Room:
    """Answers what is asked about one clip."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._clips, self._parts = OpenClips(site), KeptParts(site)

    def page(self, request: Request) -> Response:
        """The page. An object leads to its clip, a video to its first one if it has any."""
        asked = request.path_params["clip_id"]
        run, target = self._site.run, asked.partition("-a")[0]
        known = clips_of_video(run, target[:VIDEO_ID_DIGITS])
        if target not in known and name_of_video(run, target) is not None and known:
            target = known[0]
        name = name_of_video(run, target[:VIDEO_ID_DIGITS])
        if name is None or (known and target not in known) or (not known and "-" in target):
            message = f"The last run has no clip '{asked}'."
            return show_page("error.html.j2", self._site, status=404, message=message)
        if target != asked:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"/clip/{target}{query}", 303)
        return show_page("clip.html.j2", self._site, clip_id=target, path=name)

    def data(self, request: Request) -> Response:
        """Facts of the clip, and where it is in the list."""
        clip_id, run = request.path_params["clip_id"], self._site.run
        name = name_of_video(run, clip_id)
        if name is not None:
            facts = facts_of_video(run, clip_id, name)
        else:
            facts = facts_of(self._clips.get(clip_id))
        catalogue = self._site.catalogue
        place = in_list(catalogue, request.query_params.get("list", ""), clip_id)
        return _json(facts | {"list": place, "rankings": titles(run, catalogue)})

    def ranking(self, request: Request) -> Response:
        """Neighbours of the clip by a score."""
        one = self._clips.get(request.path_params["clip_id"])
        title = request.query_params.get("score", "")
        found = ranking(one.run, one.clip, title) or measured_ranking(
            self._site.catalogue, one.clip, title
        )
        if found is None:
            return PlainTextResponse("the run has no such score", 404)
        return _json(found)

    def layers(self, request: Request) -> Response:
        """Tracks, masks and boxes over some frames."""
        one = self._clips.get(request.path_params["clip_id"])
        asked = request.path_params
        return _json(layers_of(one, asked["anchor"], asked["number"]))

    async def part(self, request: Request) -> Response:
        """A part of the preview; none for a page that has gone on meanwhile."""
        loop = asyncio.get_running_loop()

        def left() -> bool:
            return asyncio.run_coroutine_threadsafe(request.is_disconnected(), loop).result()

        return await run_in_threadpool(_told, partial(self._part, left=left), request)

    def _part(self, request: Request, *, left: Callable[[], bool]) -> Response:
        one, number = self._clips.get(request.path_params["clip_id"]), request.path_params["number"]
        if number * PART_FRAMES >= one.clip.num_frames:
            return PlainTextResponse(f"the clip has no part {number}", 404)
        path = self._parts.part(one, number, left=left)
        return FileResponse(path, media_type="video/mp4", headers=_KEEP)

    def frame(self, request: Request) -> Response:
        """One frame, exact; small unless `?size=full`."""
        one, number = self._clips.get(request.path_params["clip_id"]), request.path_params["number"]
        if number >= one.clip.num_frames:
            return PlainTextResponse(f"the clip has no frame {number}", 404)
        small = request.query_params.get("size") != "full"
        data = self._parts.frame(one, number, small=small)
        return Response(data, media_type="image/jpeg", headers=_KEEP)

    def image(self, request: Request) -> Response:
        """An identity image."""
        one, asked = self._clips.get(request.path_params["clip_id"]), request.path_params
        data = identity_image(one, asked["object_id"], asked["number"])
        if data is None:
            return PlainTextResponse("there is no such image", 404)
        return Response(data, media_type="image/png")
