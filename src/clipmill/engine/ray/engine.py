"""The engine that runs stages on a Ray cluster."""

import time
from collections.abc import Generator, Iterable
from dataclasses import replace
from itertools import chain
from math import ceil
from pathlib import Path

from clipmill.engine.base import Engine, Item, Resources
from clipmill.engine.processes.child import Measure
from clipmill.engine.rates import StageRates
from clipmill.engine.ray.cluster import Cluster
from clipmill.engine.ray.crew import RayCrew
from clipmill.engine.ray.dealing import deal_to_cluster
from clipmill.engine.ray.hearing import ClusterHearing
from clipmill.engine.ray.news import collect
from clipmill.engine.ray.nodes import Node
from clipmill.engine.ray.pace import Pace
from clipmill.engine.ray.work import ClusterWork
from clipmill.engine.resources.machine import Machine
from clipmill.engine.resources.placing import Place, settle
from clipmill.engine.spec import StageSpec, WorkerNeeds
from clipmill.engine.units import Batcher
from clipmill.errors import ClipmillError
from clipmill.store.annotations import Outcome

PATIENCE_SECONDS = 600.0
"""So long is waited for a node that has room for a worker: clusters grow, and are mended."""

_MEASURE_SECONDS = 10.0


class RayEngine(Engine):
    """Runs stages on actors of a Ray cluster, which live on from stage to stage where they fit.

    Rows are committed by whoever consumes `run`, on one machine. What a lost worker or node had not
    finished is given to others, so that each clip has one outcome in the end.

    Args:
        address: `HOST:PORT` of the head; empty for `RAY_ADDRESS`, or else this machine alone.
        workers: Most workers; None for as many as the cluster has room for, stage by stage.

    Raises:
        UsageError: There is no such cluster.
    """

    elsewhere = True

    def __init__(self, address: str = "", workers: int | None = None) -> None:
        self._cluster = Cluster(address)
        self._workers = workers
        self._crew = RayCrew(self._cluster, workers)
        self._peak_rss = 0
        self._starved = 0.0

    @property
    def resources(self) -> Resources:
        """Workers of a stage that needs one core each."""
        room = sum(node.room(WorkerNeeds()) for node in self._cluster.nodes())
        return Resources(max(min(room, self._workers or room), 1), 1)

    @property
    def peak_rss(self) -> int:
        """Largest resident set that a worker has told of, bytes."""
        return self._peak_rss

    def run(self, spec: StageSpec, items: Iterable[Item]) -> Generator[list[Outcome], None, None]:
        """Yield outcomes in lots worth committing, in the order they finish.

        Clips that kill their worker, or lack memory, are treated as by the local engine, on a quiet
        node where that leaves the whole machine quiet. A worker that is lost with its node is
        replaced, and costs what it had in hand. On Ctrl-C the finished outcomes are yielded before
        KeyboardInterrupt goes on.

        Raises:
            ClipmillError: A backend cannot be set up, no node has room for a worker, or the head of
                the cluster is gone.
        """
        source = iter(items)
        first = next(source, None)
        if first is None:
            return
        settled = _settled(spec, self._cluster.nodes(), self._workers)
        stage = ClusterWork(settled, chain([first], source))
        batcher = Batcher(spec.unit_size)
        pace = Pace()
        count, began = 0, time.monotonic()
        try:
            self._crew.begin(stage, folder=_folder(first))
            hearing = ClusterHearing(self._crew, stage, self.say, pace)
            while True:
                deal_to_cluster(self._crew, stage, pace)
                if not self._crew.busy and not stage.left:
                    break
                self._see_room(stage)
                for outcome in collect(self._crew, hearing, pace):
                    count += 1
                    if batcher.add(outcome):
                        yield batcher.take()
            self._measure(hearing, pace, count, began)
        except (KeyboardInterrupt, ClipmillError):
            yield batcher.take()
            self._drop()
            raise
        except BaseException:
            self._drop()
            raise
        yield batcher.take()

    def close(self) -> None:
        """End the actors and the connection."""
        self._drop()
        self._cluster.close()

    def _drop(self) -> None:
        """End the actors. Without a head they can only be left: they end with this process."""
        if self._cluster.answers:
            self._crew.kill()

    def _see_room(self, stage: ClusterWork) -> None:
        """Say what is missing where no node can be used, and wait for one, not for ever."""
        if self._crew.nodes or self._crew.takers:
            self._starved = 0.0
            return
        has = [f"{node.cores:g} CPUs, {node.gpus:g} GPUs" for node in self._cluster.nodes()]
        reasons = sorted(set(self._crew.barred.values())) or [
            f"there are: {'; '.join(has) or 'none'}"
        ]
        needs = stage.spec.needs
        wanted = f"{needs.cpus:g} CPUs and {needs.gpus:g} GPUs"
        if needs.memory:
            wanted += f" and {needs.memory / 1e9:.1f} GB"
        text = f"{stage.spec.title}: no node for a worker ({wanted}): {'; '.join(reasons)}"
        if self._crew.barred and all(
            node.name in self._crew.barred or not node.room(needs) for node in self._cluster.nodes()
        ):
            raise ClipmillError(text)
        if not self._starved:
            self._starved = time.monotonic()
            self.say(f"{text}; waiting for one")
        if time.monotonic() - self._starved > PATIENCE_SECONDS:
            raise ClipmillError(f"{text}. Everything finished is kept; the same command goes on")

    def _measure(self, hearing: ClusterHearing, pace: Pace, count: int, began: float) -> None:
        """Ask the workers of a stage what they have done."""
        seconds = time.monotonic() - began
        asked = [one for one in self._crew.slots if one.stage is hearing.stage]
        for one in asked:
            one.outbox.put(Measure())
        until = time.monotonic() + _MEASURE_SECONDS
        while time.monotonic() < until and any(
            one in self._crew and one not in hearing.measured for one in asked
        ):
            # Nothing is left that could have an outcome.
            list(collect(self._crew, hearing, pace))
        self.rates = StageRates.of(hearing.measured.values(), clips=count, seconds=seconds)
        self._peak_rss = max(self._peak_rss, self.rates.peak_rss)


def _folder(item: Item) -> str:
    """Return the folder of a clip's video; empty where it is no local path, or not here either."""
    uri = item[1].video.uri
    folder = Path(uri).parent
    return str(folder) if "://" not in uri and folder.is_dir() else ""


def _settled(spec: StageSpec, nodes: Iterable[Node], workers: int | None) -> StageSpec:
    """Return a stage with what the engine decides, which is the same on all nodes.

    A stage with a GPU runs without where the cluster has none, as on one machine.
    """
    known = list(nodes)
    needs = spec.needs
    if needs.gpus and not any(node.gpus for node in known):
        needs = replace(needs, gpus=0.0)
    spec = replace(spec, needs=needs)
    usable = [node for node in known if node.room(needs)]
    if not usable:
        return settle(spec, Machine(1, 1 << 30), [Place()])
    smallest = min(usable, key=lambda node: (node.cores, node.memory))
    count = smallest.room(needs)
    if asked := needs.workers or workers:
        count = min(count, ceil(asked / len(usable)))
    return settle(spec, smallest.machine(), [Place()] * count)
