"""The connection to a Ray cluster."""

import logging
import os
import socket
import sys
import threading
from typing import Any

from clipmill.engine.ray.nodes import Node, alive_nodes
from clipmill.errors import ClipmillError, MissingExtraError, UsageError

_LOOK_SECONDS = 1.0
"""The list of nodes is about this old at most."""

_STORE_BYTES = 256 << 20
"""Of memory for what travels, on this machine alone: rows, no frames."""

_HEAD_SECONDS = 5.0
_HEAD_LOOKS = 4
"""The head is given up when it takes no connection so many times, so many seconds apart. Ray itself
ends the process, without a word to anybody, after 60 s."""


class Cluster:
    """A connection to a Ray cluster; where there is none yet, one of this machine alone.

    Args:
        address: `HOST:PORT` of the head; empty for `RAY_ADDRESS`, or else this machine. A program
            that has called `ray.init` keeps its connection.

    Raises:
        UsageError: There is no such cluster, or it runs other versions.
    """

    def __init__(self, address: str = "") -> None:
        self._own = _connect(address)
        import ray

        self.head: str = ray.get_runtime_context().gcs_address
        self._nodes = alive_nodes()
        self._lost = threading.Event()
        self._closed = threading.Event()
        # Ray has its callers wait for a head that is gone: only threads ask it that may wait.
        for work in (self._look, self._watch):
            threading.Thread(target=work, daemon=True, name="ray-nodes").start()

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes that are alive, as of a moment ago.

        Raises:
            ClipmillError: The head does not answer.
        """
        self.check()
        return self._nodes

    @property
    def answers(self) -> bool:
        """Whether the head is there, as far as is known."""
        return not self._lost.is_set()

    def check(self) -> None:
        """See that the head is there.

        Raises:
            ClipmillError: It is not.
        """
        if not self.answers:
            raise ClipmillError(
                f"the head of the Ray cluster ({self.head}) does not answer any more. Everything "
                "finished is kept: start the cluster again and run the same command, it goes on"
            )

    def close(self) -> None:
        """End the connection; one that was there before stays."""
        self._closed.set()
        if self._own:
            import ray

            ray.shutdown()

    def _look(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            nodes = alive_nodes()
            if not self._closed.is_set():
                self._nodes = nodes

    def _watch(self) -> None:
        host, _, port = self.head.rpartition(":")
        failures = 0
        while not self._closed.wait(_HEAD_SECONDS):
            try:
                with socket.create_connection((host.strip("[]"), int(port)), timeout=_HEAD_SECONDS):
                    failures = 0
            except OSError:
                failures += 1
            if failures >= _HEAD_LOOKS:
                self._lost.set()
                return


def _connect(address: str) -> bool:
    """Connect to a cluster; False where the program is connected already."""
    # Ray tells its makers how it is used, unless told otherwise.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Said by Ray of itself, whatever is done; its new way is the one that is fit here.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("--engine ray", "ray", "ray") from error
    if ray.is_initialized():
        return False
    if address.startswith("ray://"):
        raise UsageError(
            f"--address {address}: Ray Client is too far away for a run of days; give HOST:PORT of "
            "the head (port 6379) on a machine of the cluster, or `ray job submit` the command"
        )
    given = address or os.environ.get("RAY_ADDRESS", "")
    try:
        ray.init(**_place(given), log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        where = f"--address {given}" if given else "a cluster of this machine alone"
        text = str(error).strip().partition("\n")[0]
        raise UsageError(
            f"{where}: cannot connect to Ray: {text}. `ray start --head --port 6379` starts one; "
            "its machines need the same Python, Ray and clipmill"
        ) from error
    _hush()
    return True


def _place(address: str) -> dict[str, Any]:
    """Return what Ray has to be told of a cluster; of one that it is to start here if empty."""
    host = address.rpartition(":")[0]
    if address:
        on_loopback = host.startswith("127.") and host != "127.0.0.1"
        return {"address": address} | ({"_node_ip_address": host} if on_loopback else {})
    here = {"address": "local", "include_dashboard": False, "object_store_memory": _STORE_BYTES}
    # Whoever reaches its ports can run programs. 127.0.0.1 Ray takes for the machine's address in
    # its network; other systems have no further addresses on loopback.
    return here | ({"_node_ip_address": "127.0.0.2"} if sys.platform == "linux" else {})


def _hush() -> None:
    """Keep what Ray prints about lost workers out of stdout, which belongs to results."""
    import ray._private.worker

    # There is no public switch. The engine itself says what users should know.
    ray._private.worker._worker_logs_enabled = False
