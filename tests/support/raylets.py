"""A Ray cluster on this machine: several nodes with raylets and addresses of their own."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

MEGABYTES = 1 << 20
HEAD = "127.0.0.2"
"""Not 127.0.0.1: Ray takes that for the machine's address in its network."""


class RayCluster:
    """A head without room for workers, and nodes that can be lost and added.

    Attributes:
        address: Of the head.
        nodes: Alive ones, but for the head.
    """

    def __init__(self, temp: str) -> None:
        # Before Ray is imported: it reads them once.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
        from ray.cluster_utils import Cluster

        self._count = 0
        self.nodes: list[Any] = []
        head = {"num_cpus": 0, "include_dashboard": False, "temp_dir": temp}
        head |= {"node_ip_address": HEAD, "object_store_memory": 80 * MEGABYTES}
        self._cluster = Cluster()
        _patiently(self._cluster.add_node, **head)
        self.address = str(self._cluster.address)

    def add(self, count: int, **settings: Any) -> None:
        """Add nodes and wait until they are there."""
        for _ in range(count):
            self._count += 1
            given = {"num_cpus": 1, "object_store_memory": 80 * MEGABYTES} | settings
            given["node_ip_address"] = f"127.0.0.{2 + self._count}"
            self.nodes.append(_patiently(self._cluster.add_node, wait=False, **given))
        self._cluster.wait_for_nodes()

    def lose(self, at: int = 0) -> Any:
        """Kill a node as a power cut would; return it."""
        node = self.nodes.pop(at)
        with _all_of(node):
            self._cluster.remove_node(node, allow_graceful=False)
        return node

    def lose_head(self) -> None:
        """Kill the head, and what it knows."""
        with _all_of(self._cluster.head_node):
            self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)

    def close(self) -> None:
        """End everything."""
        with ExitStack() as stack:
            for node in self._cluster.list_all_nodes():
                stack.enter_context(_all_of(node))
            self._cluster.shutdown()


def _patiently(start: Callable[..., Any], **settings: Any) -> Any:
    """Start a node, twice if need be: Ray gives it 30 s, short on a machine that has other work."""
    try:
        return start(**settings)
    except Exception as error:
        if "timed out during startup" not in str(error):
            raise
        return start(**settings)


@contextmanager
def ray_cluster(nodes: int = 3, **settings: Any) -> Iterator[RayCluster]:
    """A cluster for a while, with nothing left of it afterwards.

    Args:
        nodes: Beside the head.
        settings: Of each node, as `ray.cluster_utils.Cluster.add_node` has them.
    """
    # Sockets lie below it, and their paths may not be long.
    temp = tempfile.mkdtemp(prefix="ray", dir="/tmp")
    cluster = RayCluster(temp)
    try:
        cluster.add(nodes, **settings)
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(temp, ignore_errors=True)


@contextmanager
def _all_of(node: Any) -> Iterator[None]:
    """Kill what is left of a node after the block: agents outlive their raylet for minutes."""
    family = _below_raylet(node)
    yield
    for process in family:
        kill(process)


def _below_raylet(node: Any) -> list[psutil.Process]:
    raylets = [process for name, process in node.live_processes() if name == "raylet"]
    try:
        return [one for p in raylets for one in psutil.Process(p.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def worker_processes(node: Any) -> list[psutil.Process]:
    """Return the worker processes of clipmill on a node, below the actors of its raylet."""
    return [process for process in _below_raylet(node) if _is_worker(process)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "multiprocessing.spawn" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def kill(process: psutil.Process) -> bool:
    """Kill a process with SIGKILL; False if it was gone."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True


def log_lines(place: Path) -> list[str]:
    """Return the lines of a log that workers write; none yet if it is not there."""
    return place.read_text("utf-8").splitlines() if place.exists() else []
