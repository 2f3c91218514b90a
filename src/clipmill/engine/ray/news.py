"""Waits for what the actors of a cluster say."""

import time
from collections.abc import Iterator
from typing import Any

from clipmill.engine.ray.actor import Hello
from clipmill.engine.ray.crew import RayCrew
from clipmill.engine.ray.hearing import ClusterHearing
from clipmill.engine.ray.pace import Pace
from clipmill.engine.ray.remote import LOST, RemoteWorker
from clipmill.errors import ClipmillError
from clipmill.store.annotations import Outcome

_MOMENT = 0.5
"""Seconds that are waited for any news at all."""


def collect(crew: RayCrew, hearing: ClusterHearing, pace: Pace) -> Iterator[Outcome]:
    """Wait a moment for news and yield the outcomes that came.

    Raises:
        ClipmillError: The stage cannot be worked on.
    """
    import ray

    asked = {one.answer: one for one in crew.slots}
    if not asked:
        time.sleep(_MOMENT)
        return
    if ray.wait(list(asked), num_returns=1, timeout=_MOMENT)[0]:
        ready, still = ray.wait(list(asked), num_returns=len(asked), timeout=0)
    else:
        ready, still = [], list(asked)
    pace.tick(crew.slots)
    for answer in ready:
        if asked[answer] in crew:
            yield from _hear(crew, hearing, asked[answer], pace)
    for answer in still:
        if asked[answer] in crew and asked[answer].silent:
            yield from hearing.bury(asked[answer], LOST)
    for worker in list(crew.slots):
        if death := worker.overdue(hearing.stage.spec.time_limit):
            yield from hearing.bury(worker, death)


def _hear(
    crew: RayCrew, hearing: ClusterHearing, worker: RemoteWorker, pace: Pace
) -> Iterator[Outcome]:
    """Take in one answer and ask again."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        answer = ray.get(worker.answer)
    except RayTaskError as error:
        raise ClipmillError(f"a worker of the cluster failed: {_last_line(error)}") from error
    except RayError as error:
        if getattr(error, "actor_init_failed", False):
            raise ClipmillError(
                f"workers cannot start on the cluster: {_last_line(error)}; every machine needs "
                "the same Python, Ray and clipmill"
            ) from error
        yield from hearing.bury(worker, LOST)
        return
    if isinstance(answer, Hello):
        hearing.greet(worker, answer)
    else:
        # Asked before its outcomes are committed, so that it does not wait for the disk.
        worker.ask(pace.linger(len(crew.slots)))
        yield from hearing.take(worker, answer)
        return
    if worker in crew:
        worker.ask(pace.linger(len(crew.slots)))


def _last_line(error: Any) -> str:
    return next((line for line in reversed(str(error).splitlines()) if line.strip()), "").strip()
