"""How many workers a stage gets, which GPU each of them sees, and how far each decodes ahead."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clipmill.engine.resources.gpus import VISIBLE, Gpu
from clipmill.engine.resources.machine import Machine
from clipmill.engine.spec import StageSpec, WorkerNeeds
from clipmill.errors import UsageError

MAX_DECODE_THREADS = 8
"""Of one worker, where nobody says otherwise: the readers of a disk are no more patient than it."""

_LEAST_AHEAD = 256 << 20
_UNKNOWN_MEMORY = 1 << 30
"""Bytes that a worker is taken to need where its backend does not say."""


@dataclass(frozen=True)
class Place:
    """Where a worker runs.

    Attributes:
        gpu: Name of the one GPU that it sees, as `CUDA_VISIBLE_DEVICES` has it; empty for a machine
            without one.
    """

    gpu: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What has to be set before the process begins: CUDA reads it once."""
        return {VISIBLE: self.gpu} if self.gpu else {}


def places_of(needs: WorkerNeeds, machine: Machine, workers: int | None) -> list[Place]:
    """Return one place per worker.

    A stage with a GPU gets as many workers as its share of each card, and its memory, leave room
    for; one without gets as many as cores and memory allow. Every process sees one GPU, also of a
    stage that wants none, so that no two that use one unasked take the first.

    Args:
        needs: Of one worker; `needs.workers` beats `workers`.
        machine: What there is.
        workers: Number asked for; of GPU stages, the most. None: as many as there is room for.

    Raises:
        UsageError: The settings name a GPU that is not there.
    """
    gpus = machine.gpus
    if needs.gpu is not None and gpus:
        if needs.gpu >= len(gpus):
            raise UsageError(f"there is no GPU {needs.gpu}: {len(gpus)} can be used here")
        gpus = gpus[needs.gpu : needs.gpu + 1]
    if needs.gpus and gpus:
        count = sum(_on_card(needs, gpu) for gpu in gpus)
        count = needs.workers or min(count, workers or count)
    else:
        count = needs.workers or workers or _without_gpu(needs, machine)
    return [Place(gpus[number % len(gpus)].visible if gpus else "") for number in range(count)]


def _on_card(needs: WorkerNeeds, gpu: Gpu) -> int:
    """Return the workers that one card has room for, at least one."""
    count = int(1 / min(needs.gpus, 1.0) + 1e-6)
    if needs.gpu_memory and gpu.memory:
        count = min(count, gpu.memory // needs.gpu_memory)
    return max(count, 1)


def _without_gpu(needs: WorkerNeeds, machine: Machine) -> int:
    by_cores = int(machine.cores / max(needs.cpus, 1e-3) + 1e-6)
    by_memory = machine.memory // (needs.memory or _UNKNOWN_MEMORY)
    return max(min(by_cores, by_memory), 1)


def settle(
    spec: StageSpec, machine: Machine, places: Sequence[Place], *, hidden: bool = True
) -> StageSpec:
    """Return a stage with all that the engine decides: threads, and how far to decode ahead.

    Where the model has a GPU, cores decode: several threads a worker, and two batches ahead of the
    one in the model. Where it has cores itself, one thread decodes one batch ahead, as it is the
    other workers that fill the rest.

    Args:
        spec: The stage; what it says stays.
        machine: What there is.
        places: Of its workers.
        hidden: Whether a worker sees one GPU alone, as its first.
    """
    workers = max(len(places), 1)
    cores = max(1, machine.cores // workers)
    on_gpu = bool(spec.needs.gpus and machine.gpus)
    threads = spec.decode_threads or (min(cores, MAX_DECODE_THREADS) if on_gpu else 1)
    ahead = spec.ahead or (2 * spec.batch_size + threads if on_gpu else spec.batch_size)
    share = min(spec.ahead_bytes, max(machine.memory // 4 // workers, _LEAST_AHEAD))
    config = spec.config
    if hidden and spec.needs.gpu is not None and machine.gpus:
        config = config | {"device": "cuda"}
    return replace(
        spec,
        config=config,
        decode_threads=threads,
        ahead=ahead,
        ahead_bytes=share,
        cpu_threads=spec.cpu_threads or cores,
    )
