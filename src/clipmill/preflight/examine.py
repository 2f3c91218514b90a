"""All checks, and what they come to."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from clipmill.config import Pipeline
from clipmill.disk.sizes import size_text
from clipmill.errors import UsageError
from clipmill.preflight.disk_room import check_disk_room
from clipmill.preflight.examined import Examined, wanted_of
from clipmill.preflight.finding import Finding, State
from clipmill.preflight.gpus import check_gpus
from clipmill.preflight.opencv import check_opencv
from clipmill.preflight.packages import check_packages
from clipmill.preflight.servers import check_servers
from clipmill.preflight.weights import check_weights

CHECKS = (
    check_packages,
    check_opencv,
    check_weights,
    check_gpus,
    check_servers,
    check_disk_room,
)
"""In the order in which they are told."""


def examine(
    pipeline: Pipeline,
    *,
    workspace: str = "",
    until: str = "",
    fetched: bool = True,
    gpus: bool = True,
    videos: int | None = None,
    source_bytes: int = 0,
) -> list[Finding]:
    """Look at everything that a pipeline needs of this machine. Nothing is computed or written.

    Args:
        pipeline: The pipeline.
        workspace: Where it is to run; empty if unknown.
        until: Last step of the run.
        fetched: Whether weights that a run fetches by itself must be here already.
        gpus: Whether GPUs must be here: not where workers run on other machines.
        videos: Number of videos in its sources; None before they are listed.
        source_bytes: Bytes of all videos.
    """
    wanted = wanted_of(pipeline, until)
    examined = Examined(pipeline, wanted, workspace, fetched, videos, source_bytes)
    checks = CHECKS if gpus else tuple(check for check in CHECKS if check is not check_gpus)
    return [finding for check in checks for finding in check(examined)]


def refuse_missing(
    pipeline: Pipeline, findings: Sequence[Finding], *, idle: Collection[str] = ()
) -> None:
    """Stop where something is missing.

    Args:
        pipeline: The pipeline.
        findings: What was found.
        idle: Titles of steps that have nothing to compute: what only they need is let off.

    Raises:
        UsageError: With all that is missing and the commands that get it, on one screen.
    """
    missing = [f for f in findings if f.is_missing and not (f.step and f.step in idle)]
    if missing:
        raise UsageError("\n".join(screen(pipeline, missing)))


def screen(pipeline: Pipeline, missing: Sequence[Finding]) -> list[str]:
    """Return what is missing, things in the same state on one line, and what gets it."""
    name = pipeline.places.name or pipeline.name
    lines = [f"{name} cannot run here yet. Missing are:"]
    lines += [f"  {group.check}: {group.text}" for group in grouped(missing)]
    told = commands(missing)
    if told:
        lines += ["Get it with:", *(f"  {command}" for command in told)]
    return lines


@dataclass(frozen=True)
class Group:
    """Things of one kind in the same state.

    Attributes:
        state: Their state.
        check: Their kind.
        text: Their names and what there is to say of them, as one line.
    """

    state: State
    check: str
    text: str


def grouped(findings: Iterable[Finding]) -> Iterator[Group]:
    """Yield neighbouring findings with the same words as one."""
    for (check, state, text, todo), group in groupby(findings, _words):
        things = list(group)
        names = ", ".join(found.name for found in things)
        told = f"{names}{_size(things)}: {text}" + (f"; {todo}" if todo else "")
        yield Group(state, check, told)


def _words(found: Finding) -> tuple[str, State, str, str]:
    return found.check, found.state, found.text, found.todo


def _size(things: Sequence[Finding]) -> str:
    size = sum(found.size_bytes for found in things)
    if not size:
        return ""
    least = "" if all(found.size_bytes for found in things) else "at least "
    return f" ({least}{size_text(size)})"


def commands(findings: Iterable[Finding]) -> list[str]:
    """Return the commands that mend what was found, each once, in the order to call them."""
    return list(dict.fromkeys(f.command for f in findings if f.command and f.state != "ok"))
