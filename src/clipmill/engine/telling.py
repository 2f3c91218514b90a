"""Errors of clips and of libraries, as they are told to users."""

import traceback
from pathlib import Path

from clipmill.errors import ClipError
from clipmill.failures import REMEDIES, machine_kind
from clipmill.store.annotations import Outcome


def failure(key: str, error: Exception, *, seconds: float) -> Outcome:
    """Return the outcome of a clip that raised an error."""
    known = isinstance(error, ClipError)
    return Outcome(
        key=key,
        record=None,
        error_kind=_kind(error),
        error=str(error) if known else f"{type(error).__name__}: {error}{_place(error)}",
        seconds=seconds,
    )


def told(error: Exception) -> str:
    """Return an error of a library in words, with what to do where the machine is to blame."""
    remedy = REMEDIES.get(machine_kind(error), "")
    text = f"{type(error).__name__}: {error}{_place(error)}"
    return f"{text}; {remedy}" if remedy else text


def _kind(error: Exception) -> str:
    """Return the kind of a failure; what the machine could not do goes before what it led to."""
    if isinstance(error, ClipError) and error.kind != ClipError.kind:
        return error.kind
    cause = error.__cause__ if isinstance(error, ClipError) else error
    return (machine_kind(cause) if cause else "") or ClipError.kind


def _place(error: Exception) -> str:
    """Where an unforeseen error was raised, for whoever has to mend it."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
