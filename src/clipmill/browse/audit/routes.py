"""The pages of blind double-checking."""

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any, get_args

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from clipmill.audit.answers import read_answers
from clipmill.audit.estimate import AuditResult, evaluate_audit
from clipmill.audit.files import audit_ids, read_audit, start_audit
from clipmill.audit.schema import StrataBy
from clipmill.browse.audit.clip_shown import ClipShown, NotShownError, shown_of
from clipmill.browse.audit.sitting import ClosedError, Sitting, previews_folder
from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.errors import ClipmillError, UsageError
from clipmill.inspection.preview import Preview
from clipmill.store.workspace import Workspace

NAMELESS = "judge"
"""Who judges where the server was given no name."""

MOST = 100_000
"""Clips of an audit."""

_KINDS: dict[str, StrataBy] = {name: name for name in get_args(StrataBy)}
_PRIVATE = {"Cache-Control": "no-store"}


def audit_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""
    room = _Room(site)
    return [
        Route("/audit", room.overview),
        Route("/audit", _posted(room.start), methods=["POST"]),
        Route("/audit/{audit}", room.judging),
        Route("/audit/{audit}/state.json", room.state),
        Route("/audit/{audit}/clips/{place:int}.json", room.facts),
        Route("/audit/{audit}/clips/{place:int}/video", room.video),
        Route("/audit/{audit}/clips/{place:int}/poster", room.poster),
        Route("/audit/{audit}/answers", _posted(room.answer), methods=["POST"]),
        Route("/audit/{audit}/undo", _posted(room.undo), methods=["POST"]),
        Route("/audit/{audit}/close", _posted(room.close), methods=["POST"]),
        Route("/audit/{audit}/result", room.result),
    ]


Posted = Callable[[Request, dict[str, Any]], Response]


def _posted(answer: Posted) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that takes a JSON object, and tells what is wrong as JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return _problem("a request has a JSON object", 400)
        try:
            return await run_in_threadpool(answer, request, body)
        except ClosedError as error:
            return _problem(str(error), 409)
        except UsageError as error:
            return _problem(str(error), 400)
        except ClipmillError as error:
            return _problem(str(error), 500)

    return endpoint


def _problem(text: str, status: int) -> Response:
    return JSONResponse({"problem": text}, status, headers=_PRIVATE)


class _Room:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = Lock()
        self._sittings: dict[str, Sitting] = {}
        # Ends with the server: it is removed when the room is.
        self._spare = tempfile.TemporaryDirectory(prefix="clipmill-audit-")

    @property
    def _workspace(self) -> Workspace:
        return Workspace.open(self._site.uri, look=True)

    def _sitting(self, request: Request) -> Sitting:
        name = str(request.path_params["audit"])
        with self._lock:
            if name not in self._sittings:
                judge = self._site.judge or NAMELESS
                self._sittings[name] = Sitting(self._workspace, name, judge)
            return self._sittings[name]

    def _result(self, audit_id: str) -> AuditResult:
        workspace = self._workspace
        return evaluate_audit(read_audit(workspace, audit_id), read_answers(workspace, audit_id))

    def overview(self, _: Request) -> Response:
        """List the audits; start another."""
        results = [self._result(audit_id) for audit_id in reversed(audit_ids(self._workspace))]
        judge = self._site.judge or NAMELESS
        return show_page("audit_list.html.j2", self._site, results=results, judge=judge)

    def start(self, _: Request, body: dict[str, Any]) -> Response:
        """Draw another audit."""
        wanted, by = body.get("wanted"), _KINDS.get(str(body.get("by")))
        if not isinstance(wanted, int) or not 1 <= wanted <= MOST or by is None:
            raise UsageError(f"an audit has 1 to {MOST} clips, by one of {', '.join(_KINDS)}")
        run = self._site.run
        drawn = start_audit(run.context, run.listing, wanted=wanted, by=by)
        return JSONResponse({"address": f"/audit/{drawn.blind.id}"}, headers=_PRIVATE)

    def judging(self, request: Request) -> Response:
        """The page of judging, or of the result for who is done."""
        sitting = self._sitting(request)
        if self._site.read_only or sitting.closed:
            return RedirectResponse(f"/audit/{sitting.audit.id}/result", 303)
        return show_page(
            "audit_judge.html.j2", self._site, audit=sitting.audit, judge=sitting.judge
        )

    def state(self, request: Request) -> Response:
        """Tell the judge's own answers."""
        return JSONResponse(self._sitting(request).state, headers=_PRIVATE)

    def facts(self, request: Request) -> Response:
        """Tell what is shown beside a video; waits until that is made."""
        try:
            facts, _ = self._shown(request)
        except NotShownError as error:
            return JSONResponse(
                {"problem": f"this clip cannot be shown: {error}"}, headers=_PRIVATE
            )
        return JSONResponse(asdict(facts), headers=_PRIVATE)

    def video(self, request: Request) -> Response:
        """Give the video of a clip."""
        return self._file(request, "video/mp4", lambda preview: preview.video)

    def poster(self, request: Request) -> Response:
        """Give the first picture of a clip."""
        return self._file(request, "image/jpeg", lambda preview: preview.poster)

    def answer(self, request: Request, body: dict[str, Any]) -> Response:
        """Write an answer."""
        sitting, place = self._sitting(request), body.get("place")
        if not isinstance(place, int):
            raise UsageError("an answer has a place")
        sitting.answer(place, str(body.get("answer")))
        return JSONResponse({}, headers=_PRIVATE)

    def undo(self, request: Request, _: dict[str, Any]) -> Response:
        """Take the latest answer back."""
        return JSONResponse({"place": self._sitting(request).undo()}, headers=_PRIVATE)

    def close(self, request: Request, _: dict[str, Any]) -> Response:
        """End judging."""
        sitting = self._sitting(request)
        sitting.close()
        return JSONResponse({"address": f"/audit/{sitting.audit.id}/result"}, headers=_PRIVATE)

    def result(self, request: Request) -> Response:
        """Show what the answers come to, to who is done with judging."""
        sitting = self._sitting(request)
        if not self._site.read_only and not sitting.closed:
            return RedirectResponse(f"/audit/{sitting.audit.id}", 303)
        places = {clip_id: place for place, clip_id in enumerate(sitting.audit.clips)}
        result = self._result(sitting.audit.id)
        return show_page("audit_result.html.j2", self._site, result=result, places=places)

    def _shown(self, request: Request) -> tuple[ClipShown, Preview]:
        clip_id = self._sitting(request).clip_at(int(request.path_params["place"]))
        spare = Path(self._spare.name)
        folder = previews_folder(self._workspace, spare, read_only=self._site.read_only)
        return shown_of(self._site.run, clip_id, folder, self._site.pictures)

    def _file(self, request: Request, kind: str, which: Callable[[Preview], Path]) -> Response:
        try:
            _, preview = self._shown(request)
        except NotShownError as error:
            return _problem(str(error), 404)
        return FileResponse(which(preview), media_type=kind, headers=_PRIVATE)
