"""A worker's work without its transport: what a process, or an actor, has to call.

A transport makes a `Session` for a stage, calls `run` in one thread of its process (the model lives
there), and the other methods from any other thread:

- `add(items)` at any time, also before the model is loaded and while the model works: clips of
  several units follow one another without a pause. Take care that a worker always has a few more
  than `spec.ahead`, or its decoding threads run dry: the local engine keeps twice
  `spec.ahead + spec.batch_size` there, and a unit at least.
- `give_back(most)` returns keys that another worker is to do: they are forgotten here. None of them
  is with the model or being loaded.
- `measured()` returns counters of the stage so far (`clipmill.engine.rates`).
- `close()` when no further clips come: `run` returns once all have an outcome.

What happens is told through `tell`, by several threads, one at a time: `Ready`, then for each clip
`Begun`, `Loaded`, `Finished`. The keys that are begun and not finished when a process dies are the
suspects. `NoRoom` (no memory for the model: go on with fewer workers) or `Broken` (the stage cannot
be worked on) is the last that is told; clips without an outcome are then nobody's fault. All
messages, `StageSpec`, `Item` and `Outcome` can be pickled. Clips travel as addresses, rows and ids,
never as frames. `tell` may raise, when nobody is there any more: `run` then raises
`TransportError`.

Beforehand, `clipmill.engine.resources.placing` says how many workers a stage gets and which GPU
each sees (`places_of`; `Place.environment` has to be set before a process begins), and fills in
what the pipeline file leaves open (`settle`): a `Session` wants a settled `StageSpec`. What the
parent makes of the messages, and who gets which clips, is in `clipmill.engine.dispatch`.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from clipmill.engine.base import Item
from clipmill.engine.feeding.clips_ahead import ClipsAhead
from clipmill.engine.rates import Measured
from clipmill.engine.spec import StageSpec
from clipmill.engine.telling import told
from clipmill.engine.worker import Worker
from clipmill.errors import ClipmillError, NoRoomError
from clipmill.store.annotations import Outcome


@dataclass(frozen=True)
class Ready:
    """The model is loaded."""


@dataclass(frozen=True)
class Begun:
    """A clip is being loaded: it is a suspect should the process die."""

    key: str


@dataclass(frozen=True)
class Loaded:
    """A clip is loaded and waits for the model."""

    key: str


@dataclass(frozen=True)
class Finished:
    """A clip has its outcome."""

    outcome: Outcome


@dataclass(frozen=True)
class NoRoom:
    """There is no memory for the model; the last message of a session."""

    text: str


@dataclass(frozen=True)
class Broken:
    """The stage cannot be worked on here; the last message of a session."""

    text: str


Event = Ready | Begun | Loaded | Finished | NoRoom | Broken
Tell = Callable[[Event], None]


class TransportError(Exception):
    """`tell` failed: whoever listened is gone."""


class Session:
    """One stage on one worker.

    Args:
        spec: The stage.
        tell: Takes what happens; never called by two threads at once.
    """

    def __init__(self, spec: StageSpec, tell: Tell) -> None:
        self.spec = spec
        self._tell = tell
        self._telling = threading.Lock()
        self._ahead = ClipsAhead(spec, on_begin=self._begun, on_loaded=self._loaded)
        self._worker: Worker | None = None
        self._measured = Measured()

    def add(self, items: Iterable[Item]) -> None:
        """Take clips; nothing is waited for."""
        self._ahead.add(items)

    def give_back(self, most: int) -> list[str]:
        """Let go of clips that wait here, for another worker.

        Args:
            most: Not more than these; one clip always stays.

        Returns:
            Their keys.
        """
        return self._ahead.give_back(most)

    def measured(self) -> Measured:
        """Return what was done so far."""
        worker = self._worker
        return worker.measured() if worker else self._measured

    def close(self) -> None:
        """Say that no further clips come."""
        self._ahead.close()

    def run(self) -> None:
        """Load the model and work until the session is closed and done."""
        try:
            worker = self._worker = Worker.start(self.spec, ahead=self._ahead)
            self.tell(Ready())
            for outcome in worker.work():
                self.tell(Finished(outcome))
        except TransportError:
            raise
        except NoRoomError as error:
            self.tell(NoRoom(str(error)))
        except ClipmillError as error:
            self.tell(Broken(str(error)))
        except Exception as error:  # noqa: BLE001 - told, and raised by the engine
            self.tell(Broken(told(error)))
        finally:
            self._measured, self._worker = self.measured(), None

    def tell(self, event: Event) -> None:
        """Pass a message on.

        Raises:
            TransportError: That failed.
        """
        with self._telling:
            try:
                self._tell(event)
            except Exception as error:
                raise TransportError(f"{type(error).__name__}: {error}") from error

    def _begun(self, key: str) -> None:
        self.tell(Begun(key))

    def _loaded(self, key: str) -> None:
        self.tell(Loaded(key))
