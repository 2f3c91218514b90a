"""Which worker of a cluster gets which clips, and when; and when there are more or fewer."""

from collections import defaultdict
from collections.abc import Sequence

from clipmill.engine.base import Item
from clipmill.engine.dispatch.dealing import even_out
from clipmill.engine.ray.crew import RayCrew
from clipmill.engine.ray.pace import Pace
from clipmill.engine.ray.remote import RemoteWorker
from clipmill.engine.ray.work import ClusterWork
from clipmill.engine.waiting import Company


def deal_to_cluster(crew: RayCrew, stage: ClusterWork, pace: Pace) -> None:
    """Give the workers what they can take now, and ask for further ones where that pays.

    Clips only go to workers that are there: one that Ray has no room for yet keeps nothing waiting.
    """
    _deal_alone(crew, stage)
    _deal_apart(crew, stage)
    _deal_fresh(crew, stage, pace)
    _grow(crew, stage, pace)
    if not stage.at_least(1):
        even_out(crew.takers, stage)


def _give(crew: RayCrew, worker: RemoteWorker, items: Sequence[Item]) -> None:
    crew.open(worker)
    worker.give(items)


def _deal_alone(crew: RayCrew, stage: ClusterWork) -> None:
    """Keep as many nodes quiet as there are clips for, and work on one of them on each."""
    crew.quiet &= crew.nodes
    free = crew.nodes - crew.quiet if stage.quiet_nodes else set()
    load = {node: sum(len(one.remaining) for one in crew.on(node)) for node in free}
    while len(crew.quiet) < stage.quiet_nodes and load:
        node = min(load, key=lambda name: (load[name], name))
        del load[node]
        crew.quiet.add(node)
    for node in sorted(crew.quiet):
        _work_alone(crew, stage, node)


def _work_alone(crew: RayCrew, stage: ClusterWork, node: str) -> None:
    """Empty a node, and have one worker there do one clip after the other."""
    there = crew.on(node)
    if any(one.busy for one in there):
        for one in there:
            # What it has not begun need not wait here.
            if one.company is Company.ANY and one.busy and not one.asked:
                one.ask_back(len(one.remaining))
        return
    alone = [one for one in there if one.company is Company.ALONE]
    if not alone:
        # The models of the others take memory too; and whatever ended badly in a process may have
        # left it in a bad way.
        crew.end(there)
        crew.start(node).company = Company.ALONE
        return
    if not alone[0].placed:
        return
    item = stage.next_alone()
    if item is None:
        crew.quiet.discard(node)
        alone[0].company, alone[0].pinned = Company.ANY, ""
        return
    _give(crew, alone[0], [item])


def _deal_apart(crew: RayCrew, stage: ClusterWork) -> None:
    """Give clips that are to be apart to workers that have nothing else."""
    for worker in crew.takers:
        if not worker.busy:
            worker.company = Company.ANY
            if item := stage.next_apart():
                worker.company = Company.APART
                _give(crew, worker, [item])


def _deal_fresh(crew: RayCrew, stage: ClusterWork, pace: Pace) -> None:
    """Deal clips out, one by one, to whoever has the fewest; each is told at once what it gets."""
    full = pace.clips_each(stage)
    dealt: defaultdict[RemoteWorker, list[Item]] = defaultdict(list)

    def load(worker: RemoteWorker) -> int:
        return len(worker.remaining) + len(dealt[worker])

    takers = [one for one in crew.takers if one.company is Company.ANY]
    if stage.apart and takers:
        # A clip waits for a worker that has nothing else: let one come to its end.
        takers.remove(min(takers, key=load))
    while takers and stage.at_least(1):
        worker = min(takers, key=load)
        if load(worker) >= full:
            break
        item = stage.next_item()
        assert item is not None
        dealt[worker].append(item)
    for worker, items in dealt.items():
        if items:
            _give(crew, worker, items)


def _grow(crew: RayCrew, stage: ClusterWork, pace: Pace) -> None:
    """Ask for further workers, also in place of lost ones; give up those that are too many."""
    mixing = [one for one in crew.slots if one.node not in crew.quiet and not one.pinned]
    wanted = crew.wanted
    while len(mixing) < wanted:
        if not pace.pays(stage, len(mixing)) and (mixing or not stage.apart):
            break
        mixing.append(crew.start())
    waiting = [one for one in mixing if not one.placed]
    surplus = len(mixing) - wanted
    if surplus > 0:
        crew.end(waiting[:surplus])
