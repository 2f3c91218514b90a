"""Which engine runs: the only place that knows all of them."""

from enum import StrEnum

from clipmill.engine.base import Engine
from clipmill.errors import UsageError


class EngineName(StrEnum):
    """The engines that can be asked for."""

    LOCAL = "local"
    RAY = "ray"


def choose_engine(
    workers: int | None, *, name: EngineName = EngineName.LOCAL, address: str = ""
) -> Engine:
    """Return an engine.

    Args:
        workers: Processes; 0 for none but the calling one, which a clip that kills its process
            then takes along. None: as many as there is room for, stage by stage.
        name: `local` for this machine, `ray` for the machines of a Ray cluster.
        address: `HOST:PORT` of the head of that cluster; empty for `RAY_ADDRESS`, or else this
            machine alone.

    Raises:
        UsageError: These do not go together, or there is no such cluster.
    """
    if name is EngineName.RAY:
        if workers == 0:
            raise UsageError("--workers 0 is for --engine local: on a cluster workers are actors")
        from clipmill.engine.ray.engine import RayEngine

        return RayEngine(address, workers)
    if address:
        raise UsageError(f"--address {address} is that of a Ray cluster: add --engine ray")
    if workers != 0:
        from clipmill.engine.local import LocalEngine

        return LocalEngine(workers)
    from clipmill.engine.inprocess import InProcessEngine

    return InProcessEngine()
