"""Options of `clipmill export FORMAT`: those of all formats, and those of the one."""

import inspect
import re
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from clipmill.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkersOption, WorkspaceOption
from clipmill.errors import UsageError
from clipmill.export.content.profile import PROFILES, FrameProfile, find_profile
from clipmill.export.formats.base import Format

_CHOICE, _FRAMES, _FORMAT = "Which samples", "Frames", "This format"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def _option(help_: str, *names: str, panel: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_, rich_help_panel=panel, **more)


COMMON: dict[str, tuple[Any, Any]] = {
    "workspace": (WorkspaceOption, DEFAULT_WORKSPACE),
    "container": (
        Annotated[
            Literal["folder", "webdataset", "huggingface"],
            typer.Option("--as", help="A folder tree, tar shards, or a folder with a card."),
        ],
        "folder",
    ),
    "shard_size": (
        Annotated[str, typer.Option(help="Size at which a shard is full: 500M, 1G.")],
        "1G",
    ),
    "workers": (WorkersOption, None),
    "verify": (
        Annotated[bool, typer.Option("--verify", help="Read everything again at the end.")],
        False,
    ),
    "json_": (JsonOption, False),
    "samples": (Annotated[str, _option("Name of the samples step.", panel=_CHOICE)], "training"),
    "where": (
        Annotated[
            str,
            _option(
                "Condition on sample columns and scores: "
                '"num_frames >= 97 and quality_clarity > 20".',
                panel=_CHOICE,
            ),
        ],
        "",
    ),
    "limit": (Annotated[int | None, _option("At most this many.", panel=_CHOICE, min=1)], None),
    "captions": (
        Annotated[
            Literal["all", "own"],
            _option(
                "own leaves out samples whose caption is a template, and those without a caption.",
                panel=_CHOICE,
            ),
        ],
        "all",
    ),
    "frames": (
        Annotated[
            str | None,
            _option(f"Frame profile to start from: {', '.join(PROFILES)}.", panel=_FRAMES),
        ],
        None,
    ),
    "fps": (
        Annotated[str | None, _option("Frames per second: 16, 29.97, 30000/1001.", panel=_FRAMES)],
        None,
    ),
    "size": (Annotated[str | None, _option("WIDTHxHEIGHT in pixels.", panel=_FRAMES)], None),
    "aspect": (
        Annotated[str | None, _option("Width to height, by cutting: 20:11.", panel=_FRAMES)],
        None,
    ),
    "long_side": (
        Annotated[int | None, _option("Longer side at most, in pixels.", panel=_FRAMES)],
        None,
    ),
    "multiple": (
        Annotated[int | None, _option("Sides are multiples of this.", panel=_FRAMES)],
        None,
    ),
    "region_grid": (
        Annotated[
            int | None,
            _option("Sides of regions are moved inward to multiples of this.", panel=_FRAMES),
        ],
        None,
    ),
    "min_frames": (
        Annotated[int | None, _option("Leave out samples with fewer frames.", panel=_FRAMES)],
        None,
    ),
    "max_frames": (
        Annotated[int | None, _option("Most frames of a sample.", panel=_FRAMES)],
        None,
    ),
    "count": (
        Annotated[
            Literal["any", "4n+1", "8n+1"] | None,
            _option("Numbers of frames allowed.", panel=_FRAMES),
        ],
        None,
    ),
    "fit": (
        Annotated[
            Literal["crop", "stretch"] | None,
            _option("How the frame meets --size.", panel=_FRAMES),
        ],
        None,
    ),
    "centre": (
        Annotated[
            Literal["frame", "objects"] | None,
            _option("What a cut keeps in its middle.", panel=_FRAMES),
        ],
        None,
    ),
    "resample": (
        Annotated[
            Literal["shown", "interpolated"] | None,
            _option(
                "Tracks and poses of the source frame shown, or of the moment itself.",
                panel=_FRAMES,
            ),
        ],
        None,
    ),
}
"""Options that every format has: annotation and default, by parameter name."""


def signature_of(format_: type[Format[Any]], **more: tuple[Any, Any]) -> inspect.Signature:
    """Return the parameters of a format's command; its own options come last.

    Args:
        format_: The format.
        more: Further options: annotation and default.
    """
    own = {
        name: (
            Annotated[
                field.annotation, _option(field.description or "", panel=_FORMAT)  # type: ignore[name-defined]
            ],
            field.default,
        )
        for name, field in format_.Options.model_fields.items()
    }
    keyword = inspect.Parameter.KEYWORD_ONLY
    out = Annotated[str, typer.Argument(help="Folder to write.", show_default=False)]
    return inspect.Signature(
        [
            inspect.Parameter("out", keyword, annotation=out),
            *(
                inspect.Parameter(name, keyword, annotation=annotation, default=default)
                for name, (annotation, default) in (COMMON | more | own).items()
            ),
        ]
    )


def with_signature(run: Callable[..., None], signature: inspect.Signature) -> Callable[..., None]:
    """Return `run` as a function whose parameters a command line can be made of."""

    def command(**values: Any) -> None:
        run(SimpleNamespace(**values))

    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {name: p.annotation for name, p in signature.parameters.items()}
    return command


def profile_from(given: SimpleNamespace, *, default: str) -> FrameProfile:
    """Return the frame profile of the options.

    Raises:
        UsageError: Names the option that cannot be meant.
    """
    base = find_profile(given.frames or default).model_dump()
    changes: dict[str, Any] = {
        name: getattr(given, name)
        for name in (
            "fps", "long_side", "multiple", "region_grid", "min_frames", "max_frames", "count",
            "fit", "centre", "resample",
        )
        if getattr(given, name) is not None
    }  # fmt: skip
    if given.size is not None:
        base |= {"aspect": None, "long_side": None}
        changes["size"] = _pair(given.size, "x", "--size")
    if given.aspect is not None:
        base["size"] = None
        changes["aspect"] = _pair(given.aspect, ":", "--aspect")
    if given.long_side is not None:
        base["size"] = None
    try:
        return FrameProfile.model_validate(base | changes)
    except (ValidationError, ValueError) as error:
        raise UsageError(f"frames: {_first(error)}") from error


def options_from(given: SimpleNamespace, format_: type[Format[Any]]) -> Any:
    """Return the options of a format.

    Raises:
        UsageError: Names the option that cannot be meant.
    """
    values = {name: getattr(given, name) for name in format_.Options.model_fields}
    try:
        return format_.Options.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"export {format_.name}: {_first(error)}") from error


def bytes_of(text: str) -> int:
    """Read a size: `500M`, `1G`, `1.5G`, plain bytes.

    Raises:
        UsageError: It is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)B?", text.strip().upper())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"--shard-size {text!r} is no size; write 500M or 1G")
    return int(Fraction(match[1]) * _UNITS[match[2]])


def _pair(text: str, between: str, option: str) -> tuple[int, int]:
    match = re.fullmatch(rf"(\d+)\s*{between}\s*(\d+)", text.strip().lower())
    if match is None or not int(match[1]) or not int(match[2]):
        example = "832x480" if between == "x" else "16:9"
        raise UsageError(f"{option} {text!r} cannot be read; write {example}")
    return int(match[1]), int(match[2])


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        text = str(problem["msg"]).removeprefix("Value error, ")
        return f"{place}: {text}" if place else text
    return str(error)
