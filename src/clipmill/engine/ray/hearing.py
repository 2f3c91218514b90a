"""What the engine makes of what its actors say, and of those that say nothing any more."""

import pickle
import time
from collections import Counter
from collections.abc import Callable, Iterator

from clipmill import __version__
from clipmill.engine.dispatch.hearing import Hearing
from clipmill.engine.processes.death import Death
from clipmill.engine.processes.slot import WorkerBooks
from clipmill.engine.rates import Measured
from clipmill.engine.ray.actor import Hello, News
from clipmill.engine.ray.crew import RayCrew
from clipmill.engine.ray.pace import Pace
from clipmill.engine.ray.remote import LOST, RemoteWorker
from clipmill.engine.ray.work import ClusterWork
from clipmill.engine.waiting import Company
from clipmill.errors import ClipmillError
from clipmill.store.annotations import Outcome

_SUSPECT_AFTER = 2
"""Lost workers that had begun a clip: it is tried alone then, as it may be the cause."""

_GUILTY_AFTER = 3
"""Workers killed or lost over a clip, the last one alone on its node: the clip is the cause."""

LOSING_SECONDS = 60.0


class ClusterHearing(Hearing):
    """Keeps the books of a stage on a cluster.

    A clip whose worker process was killed is tried alone on a node, as by the local engine.
    Machines of a cluster are lost for other reasons than clips: what a lost node or actor had begun
    goes back to the others the first time.

    Attributes:
        measured: What workers have told of a stage that is at its end.

    Args:
        crew: The workers.
        stage: Its clips.
        say: Told what users should know.
        pace: Told what is done.
    """

    def __init__(
        self, crew: RayCrew, stage: ClusterWork, say: Callable[[str], None], pace: Pace
    ) -> None:
        super().__init__(crew, stage, say)
        self.measured: dict[WorkerBooks, Measured] = {}
        self._workers = crew
        self._pace = pace
        self._losses: Counter[str] = Counter()
        self._unready: Counter[str] = Counter()
        self._in_a_row = 0
        self._losing_since = 0.0

    def greet(self, worker: RemoteWorker, hello: Hello) -> None:
        """Take in a new actor, or bar its node.

        Raises:
            ClipmillError: Its clipmill is another one.
        """
        if hello.version != __version__:
            raise ClipmillError(
                f"clipmill is {hello.version} on {hello.host} and {__version__} here: install the "
                "same version on every machine of the cluster"
            )
        if not hello.sees:
            self._workers.barred[hello.node] = (
                f"{hello.host} has no folder {self._workers.folder}: mount it there at the same "
                "path, or keep the videos in an object store"
            )
            self._say(f"{self.stage.spec.title}: {self._workers.barred[hello.node]}")
            self._workers.end([worker])
            return
        worker.node, worker.started = hello.node, time.monotonic()
        worker.note()

    def take(self, worker: RemoteWorker, news: News) -> Iterator[Outcome]:
        """Take in what a worker has said, and yield outcomes.

        Raises:
            ClipmillError: The stage cannot be worked on.
        """
        worker.processor = news.processor
        for message in news.messages:
            if worker not in self._workers:
                return
            outcomes = list(self._take(worker, pickle.loads(message)))  # noqa: S301 - our own
            if worker.ready and not worker.working:
                worker.working = time.monotonic()
                self._pace.began(worker.working - worker.started)
            if outcomes:
                self._in_a_row = 0
                self._pace.done(len(outcomes))
            yield from outcomes
        if news.death and worker in self._workers:
            yield from self.bury(worker, news.death)

    def _take(self, slot: WorkerBooks, message: object) -> Iterator[Outcome]:
        if isinstance(message, Measured):
            self.measured[slot] = message
        else:
            yield from super()._take(slot, message)

    def bury(self, slot: WorkerBooks, death: Death | None = None) -> Iterator[Outcome]:
        """Sort out the clips of a worker that is dead, lost, or to be killed."""
        death = death or slot.cause_of_death()
        if death.kind != "killed" or self._lacks_memory(slot, death):
            yield from super().bury(slot, death)
            return
        self._workers.lose(slot)
        slot.kill()
        if death is LOST:
            self._note_loss(slot)
        tried = [item for key, item in slot.remaining.items() if key in slot.begun]
        for item in tried:
            key = item[0]
            self._losses[key] += 1
            if slot.company is Company.ALONE and self._losses[key] >= _GUILTY_AFTER:
                yield Outcome(key, None, error_kind=death.kind, error=death.text)
            elif death is LOST and self._losses[key] < _SUSPECT_AFTER:
                self.stage.put_back([item])
            else:
                self.stage.retry([item], Company.ALONE)
        self.stage.put_back(item for key, item in slot.remaining.items() if key not in slot.begun)

    def _lacks_memory(self, slot: WorkerBooks, death: Death) -> bool:
        """Whether a model seems to have no room: its process was killed twice as it was loaded."""
        assert isinstance(slot, RemoteWorker)
        if death is LOST or slot.begun or slot.ready:
            return False
        self._unready[slot.node] += 1
        return self._unready[slot.node] > 1

    def _note_loss(self, slot: WorkerBooks) -> None:
        """Stop where workers are lost one after the other, and nothing gets done."""
        assert isinstance(slot, RemoteWorker)
        if slot.pinned:
            self._workers.doubt(slot.pinned)
        if not self._in_a_row:
            self._losing_since = time.monotonic()
        self._in_a_row += 1
        many = self._in_a_row > 10 + 3 * len(self._workers.slots)
        if many and time.monotonic() - self._losing_since > LOSING_SECONDS:
            raise ClipmillError(
                f"{self.stage.spec.title}: {self._in_a_row} workers were lost one after the other "
                "with nothing done; see `ray status` and Ray's logs (/tmp/ray/session_latest)"
            )
