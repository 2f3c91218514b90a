"""How much a command says: `-q` and `-v`, which every command takes."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

QUIET, NORMAL, VERBOSE, DEBUG = -1, 0, 1, 2

QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but results, warnings and errors.")
]
VerboseOption = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        help="Say more on stderr, what goes to the log; -vv says all.",
    ),
]


class _Chosen:
    """What the options of this call of the program say."""

    level = NORMAL


def reset() -> None:
    """Forget what an earlier call in this process chose."""
    _Chosen.level = NORMAL


def choose(*, quiet: bool, verbose: int) -> None:
    """Take the options of a command; those before the command count where it has none."""
    if quiet:
        _Chosen.level = QUIET
    elif verbose:
        _Chosen.level = min(verbose, DEBUG)


def level() -> int:
    """Return QUIET, NORMAL, VERBOSE or DEBUG."""
    return _Chosen.level


def is_quiet() -> bool:
    """Tell whether only results, warnings and errors are wanted."""
    return _Chosen.level == QUIET


class TalkingTyper(typer.Typer):
    """An app whose commands take `-q` and `-v`."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        """See `typer.Typer.command`."""
        register = super().command(name, **options)

        def add(command: Callable[..., Any]) -> Callable[..., Any]:
            register(with_verbosity(command))
            return command

        return add


def with_verbosity(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that takes `-q` and `-v` besides its own options."""
    signature = inspect.signature(command, eval_str=True)
    if "quiet" in signature.parameters:
        return command
    keyword = inspect.Parameter.KEYWORD_ONLY
    more = [
        inspect.Parameter("quiet", keyword, default=False, annotation=QuietOption),
        inspect.Parameter("verbose", keyword, default=0, annotation=VerboseOption),
    ]

    @functools.wraps(command)
    def talking(*args: Any, quiet: bool, verbose: int, **values: Any) -> Any:
        choose(quiet=quiet, verbose=verbose)
        return command(*args, **values)

    whole = signature.replace(parameters=[*signature.parameters.values(), *more])
    talking.__signature__ = whole  # type: ignore[attr-defined]
    talking.__annotations__ = {name: p.annotation for name, p in whole.parameters.items()}
    return talking
