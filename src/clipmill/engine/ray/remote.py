"""One worker on a node, as the engine sees it."""

import pickle
import time
from dataclasses import dataclass, field
from typing import Any

from clipmill.engine.processes.child import Order
from clipmill.engine.processes.death import Death
from clipmill.engine.processes.slot import WorkerBooks
from clipmill.engine.resources.placing import Place

WAIT_SECONDS = 2.0
"""An actor says this often that it is there, whatever its worker does."""

SILENT_SECONDS = 25.0
"""One that has not for so long is lost: its node, or the way to it, is gone."""

LOST = Death("killed", "the worker was lost: its node or its actor died, or could not be reached")


class Orders:
    """Sends orders to an actor, numbered.

    Args:
        actor: Handle of it.
    """

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._count = 0

    def put(self, order: Order) -> None:
        """Send an order; nothing is waited for."""
        self._actor.order.remote(self._count, pickle.dumps(order))
        self._count += 1


@dataclass(eq=False)
class RemoteWorker(WorkerBooks):
    """An actor and what its worker is doing.

    Attributes:
        actor: Handle of it.
        answer: What it was asked for last: first its `Hello`, then `News`.
        pinned: Node that it has to be on; empty for any.
        node: Node that it is on; empty until it has answered.
        asked_at: When it was asked.
        started: When it was asked for.
        working: Since when its model is loaded.
        processor: Processor seconds that its process had used when it last answered.
    """

    actor: Any
    answer: Any
    pinned: str = ""
    node: str = ""
    asked_at: float = 0.0
    started: float = field(default_factory=time.monotonic)
    working: float = 0.0
    processor: float = 0.0

    @property
    def placed(self) -> bool:
        """Whether it is known to be there."""
        return bool(self.node)

    @property
    def silent(self) -> bool:
        """Whether it has been asked long ago."""
        return self.placed and time.monotonic() - self.asked_at > SILENT_SECONDS

    def ask(self, linger: float) -> None:
        """Ask for news."""
        self.answer = self.actor.news.remote(WAIT_SECONDS, linger)
        self.asked_at = time.monotonic()

    def processor_seconds(self) -> float:
        """Return what it last told."""
        return self.processor

    def cause_of_death(self) -> Death:
        """Return that nothing is known: what an actor knows comes with its news."""
        return LOST

    def kill(self) -> None:
        """End the actor, and its process with it."""
        import ray

        ray.kill(self.actor, no_restart=True)

    @classmethod
    def of(cls, actor: Any, *, folder: str, pinned: str = "") -> "RemoteWorker":
        """Return a worker whose actor has just been asked for.

        Args:
            actor: Handle of it.
            folder: That of the first clip, for `hello`.
            pinned: Node that it has to be on.
        """
        return cls(
            place=Place(),
            outbox=Orders(actor),
            actor=actor,
            answer=actor.hello.remote(folder),
            pinned=pinned,
        )
