"""Weights that a pipeline needs, and those that a run fetches by itself before it begins."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from clipmill.config import Pipeline
from clipmill.disk.sizes import size_text
from clipmill.errors import ClipmillError
from clipmill.net.offline import offline
from clipmill.preflight.examined import Examined, Wanted, wanted_of
from clipmill.preflight.finding import Finding
from clipmill.weights import MissingWeightsError, WeightSpec, find_spec, find_weights
from clipmill.weights.errors import PULL_ERRORS
from clipmill.weights.verify import remedy_for


def check_weights(examined: Examined) -> Iterator[Finding]:
    """Yield the weights of the pipeline; one command fetches all that are missing."""
    found = {spec.name: (spec, _look(spec)) for spec in _specs(examined.wanted)}
    missing = [spec for spec, state in found.values() if state == "not here" and spec.can_fetch]
    chosen = examined.pipeline.places.option or " ".join(spec.name for spec in missing)
    for spec, state in found.values():
        if isinstance(state, Path):
            yield Finding("weights", spec.name, "ok", f"here, {state}")
        elif state != "not here":
            yield Finding("weights", spec.name, "missing", state)
        elif spec.at_first_use and not examined.fetched and not offline():
            size = f" ({size_text(spec.size_bytes)})" if spec.size_bytes else ""
            yield Finding("weights", spec.name, "ok", f"not here: the first run fetches it{size}")
        else:
            yield Finding(
                "weights",
                spec.name,
                "missing",
                "not here",
                todo=_todo(spec, alone=len(missing) == 1),
                command=f"clipmill models pull {chosen}" if spec.can_fetch else "",
                size_bytes=spec.size_bytes or 0,
            )


def _todo(spec: WeightSpec, *, alone: bool) -> str:
    """Return what the command that fetches weights does not say."""
    if not spec.can_fetch:
        return remedy_for(spec)
    if variable := offline():
        return (
            f"the network is switched off by {variable}. Unset it, or place them by hand: "
            f"clipmill models pull {spec.name if alone else 'NAME'} --from PATH"
        )
    return ""


def _look(spec: WeightSpec) -> Path | str:
    """Return where weights are, else what is wrong."""
    try:
        return find_weights(spec.name)
    except MissingWeightsError:
        return "not here"
    except ClipmillError as error:
        return str(error)


def wanted_weights(pipeline: Pipeline) -> list[WeightSpec]:
    """Return the weights that a pipeline needs, in the order of its steps.

    Steps that are wrong in themselves want nothing; `check_pipeline` tells of them.
    """
    return _specs(wanted_of(pipeline))


def _specs(wanted: Iterable[Wanted]) -> list[WeightSpec]:
    names = [name for each in wanted for name in each.backend.wanted_weights(each.config)]
    return [find_spec(name) for name in dict.fromkeys(names)]


def missing_at_first_use(pipeline: Pipeline) -> list[WeightSpec]:
    """Return the weights of a pipeline that are to be fetched at first use and are not here."""
    return [spec for spec in wanted_weights(pipeline) if spec.at_first_use and not _is_here(spec)]


def _is_here(spec: WeightSpec) -> bool:
    try:
        find_weights(spec.name)
    except PULL_ERRORS:
        return False
    return True
