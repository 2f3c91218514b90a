"""How fast the stages of a workspace went when they last had something to do: `rates.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter, ValidationError

from clipmill.engine.rates import StageRates
from clipmill.pipeline.context import Stage
from clipmill.store.workspace import Workspace

RATES_FILE = "rates.json"


@dataclass(frozen=True)
class RecordedRates:
    """How a stage went.

    Attributes:
        backend: That computed it.
        fingerprint: Of the table that it wrote to.
        rates: What was measured.
    """

    backend: str
    fingerprint: str
    rates: StageRates


_RATES = TypeAdapter(dict[str, RecordedRates])


def note_rates(workspace: Workspace, stage: Stage, rates: StageRates) -> None:
    """Note how a stage went, in place of what an earlier run noted of this annotation."""
    noted = _read(workspace)
    noted[stage.step.annotate] = RecordedRates(stage.step.backend, stage.fingerprint, rates)
    text = _RATES.dump_json(noted, indent=2).decode()
    workspace.write_text(RATES_FILE, text + "\n")


def noted_rates(workspace: Workspace, fingerprints: Mapping[str, str]) -> dict[str, StageRates]:
    """Return how stages went, by title, as far as that was with their settings of now.

    Args:
        workspace: Where it is noted.
        fingerprints: Of the annotations of now, by title.
    """
    noted = _read(workspace)
    return {
        name: noted[name].rates
        for name, fingerprint in fingerprints.items()
        if name in noted and noted[name].fingerprint == fingerprint
    }


def rates_json(rates: Mapping[str, StageRates]) -> dict[str, dict[str, float]]:
    """Return rates as plain data, by title."""
    return {title: asdict(one) | {"clips_per_hour": one.per_hour} for title, one in rates.items()}


def _read(workspace: Workspace) -> dict[str, RecordedRates]:
    """Return what is noted; nothing if it cannot be read: nothing depends on it."""
    text = workspace.read_text(RATES_FILE)
    try:
        return _RATES.validate_json(text) if text else {}
    except ValidationError:
        return {}
