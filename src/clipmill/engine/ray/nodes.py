"""The machines of a cluster, and how many workers each has room for."""

from dataclasses import dataclass

from clipmill.engine.resources.gpus import Gpu
from clipmill.engine.resources.machine import Machine
from clipmill.engine.spec import WorkerNeeds


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        name: Ray's id of it.
        host: Its address.
        cores: CPUs that Ray may give away there.
        gpus: GPUs.
        memory: Bytes that Ray may give away.
    """

    name: str
    host: str
    cores: float
    gpus: float
    memory: int

    def machine(self) -> Machine:
        """Return it as the local engine sees its own."""
        cards = tuple(Gpu(str(number)) for number in range(int(self.gpus)))
        return Machine(max(int(self.cores), 1), self.memory, cards)

    def room(self, needs: WorkerNeeds) -> int:
        """Return the workers that it has room for by the resources that Ray gives away."""
        count = int(self.cores / max(needs.cpus, 1e-3) + 1e-6)
        if needs.gpus:
            count = min(count, _cards(self.gpus, needs.gpus))
        if needs.memory:
            count = min(count, self.memory // needs.memory)
        return count


def _cards(gpus: float, share: float) -> int:
    """Return the workers that GPUs have room for: Ray splits no share among two cards."""
    if share >= 1:
        return int(gpus / share + 1e-6)
    return int(gpus) * int(1 / share + 1e-6)


def alive_nodes() -> tuple[Node, ...]:
    """Return the nodes of the cluster that are alive, by name."""
    import ray

    found = []
    for node in ray.nodes():
        if node["Alive"]:
            has = node["Resources"]
            found.append(
                Node(
                    name=node["NodeID"],
                    host=node["NodeManagerAddress"],
                    cores=has.get("CPU", 0.0),
                    gpus=has.get("GPU", 0.0),
                    memory=int(has.get("memory", 0)),
                )
            )
    return tuple(sorted(found, key=lambda node: node.name))
