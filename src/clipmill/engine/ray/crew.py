"""The workers of a stage on a cluster: how many there are, and on which nodes."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from clipmill.engine.processes.child import Open, Shut
from clipmill.engine.processes.slot import WorkerBooks
from clipmill.engine.ray.actor import WorkerActor
from clipmill.engine.ray.cluster import Cluster
from clipmill.engine.ray.nodes import Node
from clipmill.engine.ray.remote import RemoteWorker
from clipmill.engine.ray.settings import passed_on
from clipmill.engine.ray.work import ClusterWork
from clipmill.engine.resources.placing import Place
from clipmill.engine.spec import WorkerNeeds
from clipmill.engine.waiting import Company

_NODE_LABEL = "ray.io/node-id"

DOUBT_SECONDS = 5.0


class RayCrew:
    """Actors that live on from stage to stage where they have what the next one needs.

    Attributes:
        slots: Those that are alive, or were asked for.
        quiet: Nodes where a clip is to be alone.
        barred: Nodes that cannot be used, and why.
        limits: Most workers of nodes whose memory was found too small for as many as their
            resources have room for.
        folder: That of the first clip; empty if it is not a local path.

    Args:
        cluster: Where they run.
        workers: Most of them; None for as many as there is room for, stage by stage.
    """

    def __init__(self, cluster: Cluster, workers: int | None) -> None:
        self.slots: list[RemoteWorker] = []
        self.quiet: set[str] = set()
        self.barred: dict[str, str] = {}
        self.limits: dict[str, int] = {}
        self.folder = ""
        self._doubted: dict[str, float] = {}
        self._cluster, self._workers = cluster, workers
        self._needs = WorkerNeeds()
        self._threads = 1
        self._stage: ClusterWork | None = None

    def begin(self, stage: ClusterWork, *, folder: str) -> None:
        """Get ready for a stage: keep idle actors that have what its workers need.

        Args:
            stage: Its clips.
            folder: That of the first clip; empty if it is not a local path.
        """
        spec = stage.spec
        fits = (self._needs, self._threads) == (spec.needs, spec.cpu_threads)
        self._stage, self._needs, self._threads = stage, spec.needs, spec.cpu_threads
        self.folder = folder
        self.quiet.clear()
        self.barred.clear()
        self.limits.clear()
        self.end([one for one in self.slots if one.busy or not fits or not one.placed])
        for one in self.slots:
            if one.stage is not None:
                one.outbox.put(Shut())
            one.stage, one.ready, one.company, one.working = None, False, Company.ANY, 0.0
            one.pinned, one.started = "", time.monotonic()

    def __contains__(self, worker: object) -> bool:
        """Whether a worker is one of them."""
        return worker in self.slots

    @property
    def busy(self) -> list[RemoteWorker]:
        """Those that have clips."""
        return [one for one in self.slots if one.busy]

    @property
    def takers(self) -> list[RemoteWorker]:
        """Those that can be given clips for any worker."""
        return [
            one
            for one in self.slots
            if one.placed and one.node not in self.quiet and one.node not in self.barred
        ]

    def on(self, node: str) -> list[RemoteWorker]:
        """Return those that are, or are to be, on a node."""
        return [one for one in self.slots if node in (one.node, one.pinned)]

    def room_on(self, node: Node) -> int:
        """Return the workers that a node has room for, those that are there included."""
        if node.name in self.barred:
            return 0
        count = node.room(self._needs)
        return min(count, self.limits.get(node.name, count))

    @property
    def nodes(self) -> set[str]:
        """Nodes with room for a worker, where none has just been lost that had to be there.

        Ray learns of the end of a node seconds after the workers there are gone.
        """
        now = time.monotonic()
        return {
            node.name
            for node in self._cluster.nodes()
            if self.room_on(node) and self._doubted.get(node.name, 0.0) < now
        }

    @property
    def room(self) -> int:
        """Workers that the nodes have room for where nothing has to be quiet."""
        nodes = self._cluster.nodes()
        return sum(self.room_on(node) for node in nodes if node.name not in self.quiet)

    @property
    def wanted(self) -> int:
        """Workers to have for clips that need no quiet.

        A number that somebody asked for is asked of Ray as well, whether there is room for them or
        not: that makes a cluster grow that can.
        """
        room = self.room
        asked = self._needs.workers or self._workers
        if asked is None:
            return room
        return min(asked, room) if self.limits or self.barred or self.quiet else asked

    @property
    def places(self) -> Sequence[Place]:
        """One per worker that there is room for."""
        return [Place()] * self.room

    def start(self, node: str = "") -> RemoteWorker:
        """Ask for one more actor.

        Args:
            node: Where it has to be; empty for anywhere.
        """
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        assert self._stage is not None
        options: dict[str, Any] = {"num_cpus": self._needs.cpus, "num_gpus": self._needs.gpus}
        if self._needs.memory:
            options["memory"] = self._needs.memory
        if node:
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
        else:
            options["scheduling_strategy"] = "SPREAD"
            if full := self._full():
                options["label_selector"] = {_NODE_LABEL: f"!in({','.join(full)})"}
        # A worker that died is replaced here, where its clips are known: Ray restarts nothing.
        kind = ray.remote(max_restarts=0, max_task_retries=0, max_concurrency=2)(WorkerActor)
        actor = kind.options(**options).remote(self._threads, passed_on(), sys.path)
        worker = RemoteWorker.of(actor, folder=self.folder, pinned=node)
        self.slots.append(worker)
        return worker

    def _full(self) -> list[str]:
        """Return the nodes that are to get no further worker although Ray would give them one."""
        there = Counter(one.node for one in self.slots)
        return [
            node.name
            for node in self._cluster.nodes()
            if node.name in self.quiet
            or (
                (node.name in self.limits or node.name in self.barred)
                and there[node.name] >= self.room_on(node)
            )
        ]

    def open(self, worker: RemoteWorker) -> None:
        """Have an actor work on the stage, if it does not yet."""
        assert self._stage is not None
        if worker.stage is not self._stage:
            worker.stage, worker.asked = self._stage, False
            worker.outbox.put(Open(self._stage.spec))

    def shrink(self, worker: WorkerBooks) -> bool:
        """Give up the place of a worker that found no memory; False if it was the only one.

        The last one on a node may have been in the way of others: it is tried once by itself.
        """
        assert isinstance(worker, RemoteWorker)
        others = len([one for one in self.on(worker.node) if one is not worker])
        alone_before = self.limits.get(worker.node) == 1
        self.limits[worker.node] = 0 if alone_before and not others else max(others, 1)
        return self.room > 0

    def lose(self, worker: WorkerBooks) -> None:
        """Strike one off that is dead, or about to be."""
        self.slots = [one for one in self.slots if one is not worker]

    def doubt(self, node: str) -> None:
        """Keep a moment away from a node where a worker was lost that had to be there."""
        self._doubted[node] = time.monotonic() + DOUBT_SECONDS
        self.quiet.discard(node)

    def end(self, workers: Iterable[RemoteWorker]) -> None:
        """End actors."""
        for one in list(workers):
            self.lose(one)
            one.kill()

    def kill(self) -> None:
        """End all actors."""
        self.end(self.slots)
