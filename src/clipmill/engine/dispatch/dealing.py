"""Which worker gets which clips, and when."""

from collections import defaultdict
from collections.abc import Sequence

from clipmill.engine.base import Item
from clipmill.engine.processes.crew import Crew
from clipmill.engine.processes.slot import Slot, WorkerBooks
from clipmill.engine.waiting import Company, Waiting


def deal(crew: Crew, stage: Waiting) -> None:
    """Give the workers what they can take now.

    A worker always has more clips than it decodes ahead, so that it never waits at the end of a
    unit. Each clip goes to the worker that has the fewest. When none are left, one that has nothing
    gets half of what waits at another.
    """
    if any(slot.company is Company.ALONE for slot in crew.busy):
        return
    while again := stage.next_again(idle=_has_idle(crew), others=bool(crew.busy)):
        if again.company is Company.ALONE:
            # The models of the others take memory too; and whatever ended badly in a process may
            # have left it in a bad way.
            crew.end([slot for slot in crew.slots if slot.company is not Company.ALONE])
        slot = crew.idle()
        assert slot is not None
        slot.company = again.company
        _give(crew, slot, [again.item])
        if again.company is Company.ALONE:
            return
    _deal_fresh(crew, stage)
    if stage.peek() is None:
        even_out(crew.slots, stage)


def _has_idle(crew: Crew) -> bool:
    return crew.can_grow or any(not slot.busy for slot in crew.slots)


def _give(crew: Crew, slot: Slot, items: Sequence[Item]) -> None:
    crew.open(slot)
    slot.give(items)


def _deal_fresh(crew: Crew, stage: Waiting) -> None:
    """Deal clips out, one by one; each worker is told at once what it gets."""
    spec = stage.spec
    full = max(2 * (spec.ahead + spec.batch_size), spec.unit_size)
    # A process takes a second to begin: not for a clip of a stage that does dozens in that time.
    worth = max(1, spec.unit_size // 8)
    dealt: defaultdict[Slot, list[Item]] = defaultdict(list)

    def load(slot: Slot) -> int:
        return len(slot.remaining) + len(dealt[slot])

    while stage.peek() is not None:
        takers = [slot for slot in crew.slots if _mixes(slot)]
        if stage.apart and takers:
            # A clip waits for a worker that has nothing else: let one come to its end.
            takers.remove(min(takers, key=load))
        slot = min(takers, key=load, default=None)
        if crew.can_grow and not stage.apart and (slot is None or load(slot) >= worth):
            slot = crew.start()
        if slot is None or load(slot) >= full:
            break
        item = stage.next_item()
        assert item is not None
        dealt[slot].append(item)
    for slot, items in dealt.items():
        if items:
            slot.company = Company.ANY
            _give(crew, slot, items)


def _mixes(slot: Slot) -> bool:
    """Whether a worker may get clips beside those it has."""
    return not slot.busy or slot.company is Company.ANY


def even_out(workers: Sequence[WorkerBooks], stage: Waiting) -> None:
    """Ask the workers that have most for clips, one for each that has none.

    Args:
        workers: Those that may get clips.
        stage: What they work on.
    """
    idle = sum(not one.busy for one in workers)
    in_model = stage.spec.batch_size
    for worker in sorted(workers, key=lambda one: -len(one.remaining)):
        spare = len(worker.remaining) - in_model - 1
        if not idle or spare < 1:
            return
        if not worker.asked and worker.company is Company.ANY:
            worker.ask_back(max(1, (spare + 1) // 2))
            idle -= 1
