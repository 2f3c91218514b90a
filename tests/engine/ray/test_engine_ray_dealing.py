"""How many workers there are, what each has, and what follows from losses: without a cluster."""

import time

import pytest
from cluster_runs import named, stage

from clipmill.engine.processes.death import Death
from clipmill.engine.ray.actor import Hello
from clipmill.engine.ray.crew import RayCrew
from clipmill.engine.ray.dealing import deal_to_cluster
from clipmill.engine.ray.hearing import ClusterHearing
from clipmill.engine.ray.nodes import Node
from clipmill.engine.ray.pace import Pace
from clipmill.engine.ray.remote import LOST, RemoteWorker
from clipmill.engine.ray.work import ClusterWork
from clipmill.engine.resources.placing import Place
from clipmill.engine.session import Begun
from clipmill.engine.spec import WorkerNeeds
from clipmill.engine.waiting import QUIET_LOT, Company
from clipmill.errors import ClipmillError

GIB = 1 << 30
ECHO = "fake_backends:Echo"


@pytest.mark.parametrize(
    ("needs", "room"),
    [
        (WorkerNeeds(), 8),
        (WorkerNeeds(cpus=0.25), 32),
        (WorkerNeeds(cpus=3), 2),
        (WorkerNeeds(gpus=1), 2),
        (WorkerNeeds(gpus=0.25), 8),
        (WorkerNeeds(gpus=0.4), 4),  # two to a card: no share is split among cards
        (WorkerNeeds(memory=9 * GIB), 3),
        (WorkerNeeds(cpus=9), 0),
    ],
)
def test_a_node_has_room_by_its_scarcest_resource(needs, room):
    node = Node("n", "10.0.0.1", cores=8, gpus=2, memory=32 * GIB)
    assert node.room(needs) == room


class Nodes:
    """Two nodes with two cores each, as a cluster tells of them."""

    def nodes(self):
        return tuple(Node(name, name, cores=2, gpus=0, memory=8 * GIB) for name in ("n1", "n2"))


class Orders(list):
    """Orders that would have been sent."""

    put = list.append


class Hand(RemoteWorker):
    """A worker of no actor: this test looks at the books only."""

    alive = True

    def kill(self):
        self.alive = False


class Crew(RayCrew):
    """Starts workers that are there at once, on the node with the fewest."""

    def start(self, node=""):
        count = {one.name: len(self.on(one.name)) for one in self._cluster.nodes()}
        hand = Hand(place=Place(), outbox=Orders(), actor=None, answer=None, pinned=node)
        hand.node = node or min(count.keys() - self.quiet, key=lambda name: (count[name], name))
        self.slots.append(hand)
        return hand


def scene(*names: str, workers: int | None = None, **changes):
    spec = stage(ECHO, **({"ahead": 1, "unit_size": 1} | changes))
    crew, work, pace = Crew(Nodes(), workers), ClusterWork(spec, named(*names)), Pace()
    crew.begin(work, folder="")
    said: list[str] = []
    return crew, work, pace, ClusterHearing(crew, work, said.append, pace), said


def numbered(count: int) -> list[str]:
    return [f"v{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("clips", "asked", "workers"), [(100, None, 4), (2, None, 2), (100, 3, 3), (100, 9, 9)]
)
def test_there_are_as_many_workers_as_there_is_room_or_work_for(clips, asked, workers):
    crew, work, pace, _, _ = scene(*numbered(clips), workers=asked)
    deal_to_cluster(crew, work, pace)
    assert len(crew.slots) == workers


def test_a_worker_that_would_come_too_late_is_not_asked_for():
    crew, work, pace, _, _ = scene(*numbered(500))
    deal_to_cluster(crew, work, pace)
    pace.began(58.0)  # a minute, with what an actor takes
    for one in crew.slots:
        one.working = time.monotonic()
        one.remaining = dict(named("x"))
    pace.tick(crew.slots)
    pace._since -= 10.0
    pace.tick(crew.slots)
    pace.done(400)  # 40 a second: 10 each
    assert 8 < pace.per_worker < 12
    assert not pace.pays(work, 4)  # the four are done in a quarter of a minute
    assert pace.pays(work, 0)
    assert pace.clips_each(work) >= 2 * 8  # for two seconds


def test_clips_of_a_lost_node_go_to_the_others_and_a_suspect_is_tried_alone():
    crew, work, pace, hearing, _ = scene(*numbered(40))
    deal_to_cluster(crew, work, pace)
    deal_to_cluster(crew, work, pace)
    key = next(iter(crew.slots[0].remaining))
    ends = []
    for _ in range(3):
        victim = next(one for one in crew.slots if key in one.remaining)
        victim.begun.add(key)
        others = victim.remaining.keys() - {key}
        outcomes = list(hearing.bury(victim, LOST))
        ends.append((victim.company, [outcome.key for outcome in outcomes]))
        assert not victim.alive
        left = {name for one in crew.slots for name in one.remaining}
        assert not others & left
        for _ in range(100):
            if any(key in one.remaining for one in crew.slots) or outcomes:
                break
            for one in crew.slots:
                if one.company is Company.ANY:
                    one.remaining.clear()  # done
            deal_to_cluster(crew, work, pace)
    assert ends == [
        (Company.ANY, []),
        (Company.ANY, []),
        (Company.ALONE, [key]),
    ]


def test_only_the_node_of_a_clip_that_is_alone_is_quiet():
    crew, work, pace, hearing, _ = scene(*numbered(400))
    for _ in range(QUIET_LOT):
        deal_to_cluster(crew, work, pace)
        deal_to_cluster(crew, work, pace)
        victim = next(one for one in crew.slots if one.busy)
        victim.begun.add(next(iter(victim.remaining)))
        list(hearing.bury(victim, Death("killed", "killed by SIGKILL")))
    deal_to_cluster(crew, work, pace)
    (quiet,) = crew.quiet
    for one in crew.on(quiet):
        one.remaining.clear()
    deal_to_cluster(crew, work, pace)
    deal_to_cluster(crew, work, pace)
    (alone,) = crew.on(quiet)
    assert alone.company is Company.ALONE and len(alone.remaining) == 1
    assert any(one.busy for one in crew.slots if one.node != quiet)
    for _ in range(QUIET_LOT):
        alone.remaining.clear()
        deal_to_cluster(crew, work, pace)
    assert not crew.quiet  # and its node works with the others again
    deal_to_cluster(crew, work, pace)
    assert len(crew.on(quiet)) == 2


def test_a_worker_that_has_clips_to_spare_is_asked_for_them():
    crew, work, pace, hearing, _ = scene(*numbered(8), workers=2)
    deal_to_cluster(crew, work, pace)
    deal_to_cluster(crew, work, pace)
    first, second = crew.slots
    assert len(first.remaining) == len(second.remaining) == 4
    for key in list(second.remaining):
        list(hearing._take(second, Begun(key)))
    second.remaining.clear()
    deal_to_cluster(crew, work, pace)
    assert first.asked and type(first.outbox[-1]).__name__ == "GiveBack"


def test_a_node_with_another_clipmill_ends_the_run():
    crew, _, _, hearing, _ = scene("a")
    with pytest.raises(ClipmillError, match=r"clipmill is 0\.0\.9 on far away and .* here"):
        hearing.greet(crew.start(), Hello("n1", "far away", "0.0.9", True))


def test_workers_that_are_lost_one_after_the_other_end_the_run(monkeypatch):
    monkeypatch.setattr("clipmill.engine.ray.hearing.LOSING_SECONDS", 0.0)
    crew, work, pace, hearing, _ = scene(*numbered(500))
    with pytest.raises(ClipmillError, match="workers were lost one after the other"):
        for _ in range(100):
            deal_to_cluster(crew, work, pace)
            list(hearing.bury(crew.slots[0], LOST))


def test_a_node_that_loses_the_worker_it_is_quiet_for_is_left_alone_a_while():
    """Ray learns of its end seconds later: until then all that is pinned to it is lost at once."""
    crew, work, pace, hearing, _ = scene("a")
    deal_to_cluster(crew, work, pace)
    deal_to_cluster(crew, work, pace)
    (only,) = crew.slots
    only.begun.add("a")
    list(hearing.bury(only, Death("killed", "killed by SIGKILL")))
    deal_to_cluster(crew, work, pace)
    (quiet,) = crew.quiet
    (pinned,) = crew.on(quiet)
    list(hearing.bury(pinned, LOST))
    deal_to_cluster(crew, work, pace)
    (other,) = crew.quiet
    assert {quiet, other} == {"n1", "n2"}
