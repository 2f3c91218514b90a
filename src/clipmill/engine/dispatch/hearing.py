"""What the parent makes of what its workers say, and of their deaths."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from clipmill.engine.processes.child import GivenBack
from clipmill.engine.processes.death import Death
from clipmill.engine.processes.slot import Slot, WorkerBooks
from clipmill.engine.resources.placing import Place
from clipmill.engine.session import Begun, Broken, Finished, Loaded, NoRoom, Ready
from clipmill.engine.waiting import Company, Waiting
from clipmill.errors import ClipmillError
from clipmill.failures import REMEDIES
from clipmill.store.annotations import Outcome

_TAKES_MEMORY = frozenset({"memory", "killed"})
"""Failures that may come of what other workers took: such clips are tried alone on the machine."""


class Hands(Protocol):
    """The workers of a stage, wherever they run."""

    @property
    def places(self) -> Sequence[Place]:
        """One per worker that the stage may have."""

    def __contains__(self, worker: object) -> bool:
        """Whether it is one of them."""

    def lose(self, worker: WorkerBooks) -> None:
        """Strike one off that is dead, or about to be."""

    def shrink(self, worker: WorkerBooks) -> bool:
        """Give up the place of one that found no memory; False if it is the only one."""


class Hearing:
    """Keeps the books of a stage: who has which clips, and what becomes of them.

    Args:
        crew: The workers.
        stage: Its clips.
        say: Told what users should know.
    """

    def __init__(self, crew: Hands, stage: Waiting, say: Callable[[str], None]) -> None:
        self.stage = stage
        self._crew, self._say = crew, say
        self._wanted = len(crew.places)

    def hear(self, slot: Slot) -> Iterator[Outcome]:
        """Take in what a process has said, and yield outcomes.

        Raises:
            ClipmillError: The stage cannot be worked on.
        """
        try:
            while slot in self._crew and slot.connection.poll():
                yield from self._take(slot, slot.connection.recv())
        except (EOFError, ConnectionResetError):
            yield from self.bury(slot)

    def _take(self, slot: WorkerBooks, message: object) -> Iterator[Outcome]:
        slot.note()
        match message:
            case Ready():
                slot.ready = True
            case Begun(key):
                slot.begun.add(key)
                slot.loading[key] = slot.heard
                self.stage.early_deaths = 0
            case Loaded(key):
                slot.loading.pop(key, None)
            case Finished(outcome):
                yield from self._finish(slot, outcome)
            case GivenBack(keys):
                # Those that had none to spare are asked again when they have got something.
                slot.asked = not keys
                self.stage.put_back(slot.remaining.pop(key) for key in reversed(keys))
                slot.begun.difference_update(keys)
            case NoRoom(text):
                self._do_without(slot, text)
            case Broken(text):
                raise ClipmillError(text)

    def _finish(self, slot: WorkerBooks, outcome: Outcome) -> Iterator[Outcome]:
        if outcome.error_kind == "device":
            # Whatever the process does from here on fails as well.
            slot.begun = {outcome.key}
            yield from self.bury(slot, Death("device", outcome.error))
            return
        item = slot.remaining.pop(outcome.key)
        slot.begun.discard(outcome.key)
        slot.loading.pop(outcome.key, None)
        if outcome.error_kind == "memory" and slot.company is not Company.ALONE:
            self.stage.retry([item], Company.ALONE)
        else:
            yield outcome

    def bury(self, slot: WorkerBooks, death: Death | None = None) -> Iterator[Outcome]:
        """Sort out the clips of a process: the suspects are tried again one by one.

        Args:
            slot: Dead, or to be killed.
            death: Why; found out where it died by itself.
        """
        self._crew.lose(slot)
        if death is None:
            death = slot.cause_of_death()
        slot.kill()
        if slot.remaining and not slot.begun:
            self._died_early(slot, death)
        suspects = [item for key, item in slot.remaining.items() if key in slot.begun]
        again = Company.ALONE if death.kind in _TAKES_MEMORY else Company.APART
        if suspects and slot.company in (again, Company.ALONE):
            yield Outcome(suspects[0][0], None, error_kind=death.kind, error=death.text)
        else:
            self.stage.retry(suspects, again)
        self.stage.put_back(item for key, item in slot.remaining.items() if key not in slot.begun)

    def _died_early(self, slot: WorkerBooks, death: Death) -> None:
        """A process died before it began a clip."""
        setting_up = not slot.ready and death.kind in _TAKES_MEMORY
        if setting_up and self._crew.shrink(slot):
            self._tell_fewer(slot, death.text)
            return
        self.stage.early_deaths += 1
        if self.stage.early_deaths > 2:
            raise ClipmillError(
                f"workers of {self.stage.spec.title} die before they begin a clip: {death.text}; "
                f"{REMEDIES[death.kind]}"
            )

    def _do_without(self, slot: WorkerBooks, text: str) -> None:
        """There is no memory for the model in one more process: it ends, the others go on."""
        self._crew.lose(slot)
        slot.kill()
        self.stage.put_back(slot.remaining.values())
        if self._crew.shrink(slot):
            self._tell_fewer(slot, text)
            return
        if self._wanted > 1:
            # Several have loaded at once, and each may have been in the others' way.
            self._wanted = 1
            return
        raise ClipmillError(text)

    def _tell_fewer(self, slot: WorkerBooks, text: str) -> None:
        left = len(self._crew.places)
        where = f" on GPU {slot.place.gpu}" if slot.place.gpu else ""
        self._say(
            f"{self.stage.spec.title}: no memory for one more worker{where}; going on with "
            f"{left} worker{'s' if left > 1 else ''} ({text})"
        )
