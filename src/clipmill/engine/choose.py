"""Which engine runs: the only place that knows all of them."""

from clipmill.engine.base import Engine


def choose_engine(workers: int | None) -> Engine:
    """Return an engine on this machine.

    Args:
        workers: Processes; 0 for none but the calling one, which a clip that kills its process
            then takes along. None: as many as there is room for, stage by stage.
    """
    if workers != 0:
        from clipmill.engine.local import LocalEngine

        return LocalEngine(workers)
    from clipmill.engine.inprocess import InProcessEngine

    return InProcessEngine()
