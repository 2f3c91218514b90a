"""The routes of judging."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from clipmill.browse.judging.given import given_of
from clipmill.browse.judging.poster import poster_of
from clipmill.browse.judging.shown import clips_to_judge
from clipmill.browse.page import show_page
from clipmill.browse.site import Site
from clipmill.clips import Clip
from clipmill.errors import ClipError, ClipmillError, UsageError
from clipmill.inspection.judging import judgement_of
from clipmill.inspection.preview import PART_FRAMES
from clipmill.review import ReviewState, ReviewStore
from clipmill.review.judgement import Kind
from clipmill.review.limits import user_name
from clipmill.store.errors import StorageError

MOST_CLIPS: Final = 1000
"""Clips of one answer."""


class Said(BaseModel):
    """The body of `POST /judgements`; who says it is whom the server was started for.

    Attributes:
        target: Id of a clip, a sample or an object.
        kind: What is said of it.
        value: Reason, tag, caption or note.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    target: Annotated[str, Field(max_length=100)]
    kind: Kind
    value: str = ""


def judging_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""
    store = ReviewStore.open(site.uri)
    who = site.judge or user_name()

    def add(body: bytes) -> dict[str, object]:
        said = Said.model_validate_json(body)
        if said.kind == "undo":
            raise UsageError("what is taken back goes to /judgements/ID/undo")
        run = site.run
        row = judgement_of(run.context, run.listing, said.target, said.kind, said.value, who=who)
        return {"id": store.add(row), "clip": _clip_json(store.state(), row.clip, who)}

    def take_back(name: str) -> dict[str, object]:
        key = store.undo(name, who=who)
        state = store.state()
        return {"id": key, "clip": _clip_json(state, state.rows[key].clip, who)}

    async def judge(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_answered, lambda: add(body))

    async def undo(request: Request) -> Response:
        name = request.path_params["name"]
        return await run_in_threadpool(_answered, lambda: take_back(name))

    def state(request: Request) -> Response:
        names = _names(request)
        return _answered(lambda: _state_json(store.state(), names, site, who))

    def given(request: Request) -> Response:
        return _answered(lambda: given_of(site, _parsed(request.path_params["clip"])))

    def page(request: Request) -> Response:
        shown = clips_to_judge(site.catalogue, request.query_params.multi_items(), most=MOST_CLIPS)
        return show_page("judging.html.j2", site, shown=shown, who=who, part=PART_FRAMES)

    def poster(request: Request) -> Response:
        try:
            data = poster_of(site.run, _parsed(request.path_params["clip"]), site.pictures)
        except UsageError as error:
            return JSONResponse({"problem": str(error)}, 404)
        except ClipError as error:
            return JSONResponse({"problem": str(error)}, 422)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "max-age=3600"})

    return [
        Route("/judge", page),
        Route("/judge/poster/{clip}", poster),
        Route("/judgements", judge, methods=["POST"]),
        Route("/judgements", state),
        Route("/judgements/{clip}/given", given),
        Route("/judgements/{name}/undo", undo, methods=["POST"]),
    ]


def _answered(act: Callable[[], dict[str, object]]) -> Response:
    """Return what came of it as JSON, or why it was refused."""
    try:
        return JSONResponse(act())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return JSONResponse({"problem": f"{place}: {first['msg']}".lstrip(": ")}, 400)
    except UsageError as error:
        return JSONResponse({"problem": str(error)}, 400)
    except StorageError as error:
        return JSONResponse({"problem": str(error)}, 507)
    except ClipmillError as error:
        return JSONResponse({"problem": str(error)}, 500)


def _parsed(name: str) -> Clip:
    try:
        return Clip.parse(name)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _names(request: Request) -> list[str]:
    """Return the clips that an address names: `clips=A,B`; raises UsageError for no ids."""
    names = [name for name in request.query_params.get("clips", "").split(",") if name]
    if len(names) > MOST_CLIPS:
        raise UsageError(f"{len(names)} clips, at most {MOST_CLIPS} are answered at once")
    for name in names:
        _parsed(name)
    return list(dict.fromkeys(names))


def _state_json(
    state: ReviewState, names: Sequence[str], site: Site, who: str
) -> dict[str, object]:
    clips = {name: _clip_json(state, Clip.parse(name), who) for name in names}
    return {"who": who, "read_only": site.read_only, "clips": clips}


def _clip_json(state: ReviewState, clip: Clip, who: str) -> dict[str, object]:
    review = state.of_clip(clip)
    (row,) = state.table([clip]).to_pylist()
    rows = [
        *(*review.said, *review.stars, *review.captions, *review.objects, *review.notes),
        *(row for row in state.of_video(clip.video_id) if row.kind == "tag"),
    ]
    mine = [entry for entry in rows if entry.who == who]
    return {
        **{name: row[name] for name in ("clip_id", "verdict", "star", "tags", "caption", "notes")},
        "objects": [entry.object_id for entry in review.objects],
        "conflicts": row["conflicts"],
        "told": [f"{entry.told}: {entry.kind}" for entry in review.said],
        "last": max(mine, key=lambda entry: entry.when).id if mine else "",
    }
