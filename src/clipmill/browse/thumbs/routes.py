"""`/thumb/CLIP_ID.jpg`."""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from clipmill.browse.site import Site
from clipmill.browse.thumbs.make import make_clip_thumbnail
from clipmill.browse.thumbs.shelf import ThumbnailShelf
from clipmill.clips import Clip
from clipmill.errors import ClipError, ClipmillError
from clipmill.store.workspace import Workspace

MAKERS: Final = min(4, os.cpu_count() or 1)
"""Thumbnails that are asked for at a time."""

_REMEMBERED = 1000
_RETRY_AFTER = 30.0
"""Seconds for which an error is told without trying again: the disk may be back by then."""

_UNSAFE = frozenset({"crash", "timeout", "killed", "stalled", "memory"})
"""Kinds of failures of clips that are not decoded again: each would cost a process, or its time."""

_CACHED = {"Cache-Control": "private, max-age=86400"}


class _Thumbnails:
    """Makes thumbnails, one maker per clip and a few in all.

    Args:
        site: The workspace.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        workspace = Workspace.open(site.uri, look=True)
        self._shelf = ThumbnailShelf(workspace, read_only=site.read_only)
        self._gate = asyncio.Semaphore(MAKERS)
        self._busy: WeakValueDictionary[Clip, asyncio.Lock] = WeakValueDictionary()
        self._errors: OrderedDict[Clip, tuple[float, str]] = OrderedDict()

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        key, dot, suffix = request.path_params["name"].rpartition(".")
        try:
            clip = Clip.parse(key) if dot and suffix == "jpg" else None
        except ValueError:
            clip = None
        if clip is None or clip.clip_id != key:
            return PlainTextResponse("no such thumbnail: /thumb/CLIP_ID.jpg", 404)
        # Who waits holds the lock's only other reference.
        lock = self._busy.setdefault(clip, asyncio.Lock())
        async with lock:
            data = await run_in_threadpool(self._shelf.get, clip)
            if data is not None:
                return _picture(data)
            if (told := self._told(clip)) is not None:
                return PlainTextResponse(told, 422)
            async with self._gate:
                if await request.is_disconnected():  # scrolled past it
                    return Response(status_code=499)
                return await run_in_threadpool(self._make, clip)

    def _make(self, clip: Clip) -> Response:
        known = self._site.catalogue.clip(clip.clip_id)
        if known is None:
            return PlainTextResponse(f"{clip.clip_id} is no clip of the last run", 404)
        if known.reason in _UNSAFE:
            return PlainTextResponse(f"not decoded: {known.detail}", 422)
        run = self._site.run
        video = run.listing.find(clip.video_id)
        try:
            probe = run.probe_of(video) if video else None
            if video is None or probe is None:
                return PlainTextResponse("its video has no probe row any more", 422)
            data = self._site.pictures.make(partial(make_clip_thumbnail, video, clip, probe))
        except (ClipError, ClipmillError, OSError) as error:
            self._errors[clip] = time.monotonic(), str(error)
            while len(self._errors) > _REMEMBERED:
                self._errors.popitem(last=False)
            return PlainTextResponse(str(error), 422)
        self._shelf.put(clip, data)
        return _picture(data)

    def _told(self, clip: Clip) -> str | None:
        at, text = self._errors.get(clip, (-_RETRY_AFTER, ""))
        return text if time.monotonic() - at < _RETRY_AFTER else None


def _picture(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg", headers=_CACHED)


def thumbnail_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""
    made: list[_Thumbnails] = []

    async def thumbnail(request: Request) -> Response:
        if not made:
            made.append(_Thumbnails(site))
        return await made[0].answer(request)

    return [Route("/thumb/{name}", thumbnail)]
