"""Stops a stage that cannot work: its first clips all fail in the same way."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from clipmill.errors import ClipmillError
from clipmill.failures import REMEDIES, Kind, is_machine
from clipmill.store.annotations import Outcome

FIRST = 8
"""So many clips that fail in the same way, before any succeeds, stop a stage."""

LATER = 64
"""So many in a row for which the machine is to blame stop it after that."""

MOST_HELD = 64
"""Failures of many ways are no sign of one cause; they are held back no longer."""

_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\S*/\S*|\S*\d\S*")
"""What differs from clip to clip in a message: names, paths, numbers."""


class StageStopped(ClipmillError):
    """A stage was stopped: what its clips failed of is no fault of theirs."""


class SameFailure:
    """Sifts the outcomes of one stage, in the order they come.

    Failures are held back until a clip succeeds, so that nothing is recorded of clips that failed
    for a cause outside of them.

    Args:
        title: Title of the stage.
        unit: What its outcomes are of: `videos` or `clips`.
        ever: Tells whether a clip has ever succeeded in this stage, in an earlier run.
    """

    def __init__(self, title: str, unit: str, *, ever: Callable[[], bool]) -> None:
        self._title, self._unit = title, unit
        self._ever = ever
        self._held: list[Outcome] = []
        self._shapes: Counter[str] = Counter()
        self._succeeded = False
        self._in_a_row = 0

    def sift(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Take outcomes and return those that may be committed.

        Raises:
            StageStopped: They all fail in the same way; none of those held back is to be committed.
        """
        passed: list[Outcome] = []
        for outcome in outcomes:
            passed += self._take(outcome)
        return passed

    def rest(self) -> list[Outcome]:
        """Return what is held back at the end of the stage: too few failures to tell a cause."""
        held, self._held = self._held, []
        return held

    def _take(self, outcome: Outcome) -> list[Outcome]:
        if outcome.record is not None:
            self._succeeded, self._in_a_row = True, 0
            return [*self.rest(), outcome]
        machine = is_machine(outcome.error_kind)
        self._in_a_row += machine
        if self._in_a_row >= LATER:
            raise self._stop(outcome, self._in_a_row)
        if self._succeeded:
            return [outcome]
        self._held.append(outcome)
        shape = _shape(outcome)
        self._shapes[shape] += 1
        # Clips that fail by a fault of their own do so in many ways.
        if self._shapes[shape] >= FIRST and (
            machine or (len(self._shapes) == 1 and not self._ever())
        ):
            raise self._stop(outcome, self._shapes[shape])
        return self.rest() if len(self._held) >= MOST_HELD else []

    def _stop(self, outcome: Outcome, count: int) -> StageStopped:
        kind = Kind.parse(outcome.error_kind).name
        where = "after others had succeeded" if self._succeeded else "before any succeeded"
        recorded = "" if self._succeeded else "; nothing is recorded of them"
        return StageStopped(
            f"{self._title}: {count} {self._unit} in a row failed in the same way {where}, so it "
            f"was stopped{recorded}. {kind}: {outcome.error}. What to do: {REMEDIES[kind]}; then "
            f"run the same command again. If that is how the {self._unit} are, --keep-going goes "
            "on past them"
        )


def _shape(outcome: Outcome) -> str:
    """Return what failures have in common: the kind, and the message without what varies."""
    kind = Kind.parse(outcome.error_kind).name
    if is_machine(kind):
        return kind
    return f"{kind}: {_VARIABLE.sub('*', outcome.error)}"
