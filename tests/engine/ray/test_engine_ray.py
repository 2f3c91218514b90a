"""A cluster of three nodes gives what one machine gives, whatever is killed meanwhile."""

import time
from collections import Counter

import pytest

# A folder of tests is called ray as well: ask for what only Ray has.
pytest.importorskip("ray.cluster_utils", reason="needs clipmill[ray]")

from cluster_runs import (
    Disturber,
    make_clips,
    named,
    outcomes_of,
    resident,
    rows_of,
    run_sleepy,
    stage,
)
from pipelines import tables
from raylets import kill, log_lines, ray_cluster, worker_processes

from clipmill.engine.local import LocalEngine
from clipmill.engine.ray.engine import RayEngine
from clipmill.engine.spec import WorkerNeeds
from clipmill.errors import ClipmillError

ECHO = "fake_backends:Echo"


@pytest.fixture(scope="module")
def cluster():
    with ray_cluster(2) as cluster:
        cluster.add(1, num_gpus=1)
        yield cluster


@pytest.fixture
def engine(cluster):
    with RayEngine(cluster.address) as engine:
        yield engine


def test_clips_have_the_outcomes_of_the_local_engine(engine):
    names = [
        "a",
        "poison",
        "b",
        "unreadable",
        "crash1",
        "c",
        "crash2",
        *(f"v{n}" for n in range(9)),
    ]
    with LocalEngine(2) as local:
        expected = outcomes_of(local, stage(ECHO), *names)
    outcomes = outcomes_of(engine, stage(ECHO), *names)
    assert outcomes.keys() == expected.keys()
    for name, outcome in outcomes.items():
        assert outcome.record == expected[name].record, name
        assert (outcome.error_kind, outcome.error) == (
            expected[name].error_kind,
            expected[name].error,
        )
    assert outcomes["crash1"].error_kind == "crash"


def test_two_workers_share_a_gpu_and_a_core(engine, tmp_path):
    needs = WorkerNeeds(cpus=0.25, gpus=0.5)
    spec = stage(
        "placed_backends:Placed",
        config={"folder": str(tmp_path), "crowd": 2},
        needs=needs,
        unit_size=1,
    )
    outcomes = outcomes_of(engine, spec, *"abcdef")
    rows = [outcome.record for outcome in outcomes.values()]
    assert {row.gpus for row in rows} == {"0"}
    assert len(list(tmp_path.iterdir())) == 2  # as many as the card has room for, and both work
    assert {str(row.process) for row in rows} <= {path.name for path in tmp_path.iterdir()}


def test_a_stage_that_fits_nowhere_says_what_it_needs(engine, monkeypatch):
    monkeypatch.setattr("clipmill.engine.ray.engine.PATIENCE_SECONDS", 0.0)
    said: list[str] = []
    monkeypatch.setattr(engine, "say", said.append, raising=False)
    with pytest.raises(ClipmillError, match=r"no node for a worker \(64 CPUs and 0 GPUs\)"):
        outcomes_of(engine, stage(ECHO, needs=WorkerNeeds(cpus=64)), "a")
    assert "there are: " in said[0]


def test_killed_workers_and_a_lost_node_change_no_row(cluster, tmp_path):
    trouble = ("poison.mp4", "oom.mp4")
    clips, log = make_clips(tmp_path / "clips", 28, extra=trouble), tmp_path / "log"
    with LocalEngine(2) as local:
        run_sleepy(clips, tmp_path / "calm", local, log=tmp_path / "calm log", model=0.05)
    with RayEngine(cluster.address) as engine:
        lost: dict[str, object] = {}

        def lose_node(_done: int) -> None:
            lost["in hand"] = resident(engine, cluster.nodes[0])
            lost["committed"] = rows_of(tmp_path / "wild")
            lost["at"] = time.time()
            cluster.lose(0)

        def kill_one(done: int) -> bool:
            found = [p for node in cluster.nodes for p in worker_processes(node)]
            return bool(found) and kill(found[done % len(found)])

        watch = Disturber({8: lose_node, 14: kill_one, 20: kill_one})
        run_sleepy(clips, tmp_path / "wild", engine, log=log, observer=watch)
    assert watch.hits == 3
    assert rows_of(tmp_path / "wild", failed=True) == set(trouble)
    calm, wild = tables(tmp_path / "calm"), tables(tmp_path / "wild")
    assert calm.keys() == wild.keys()
    assert all(wild[name].equals(table) for name, table in calm.items())
    begun = [(name, float(when)) for name, _, when in map(str.split, log_lines(log))]
    assert not {name for name, when in begun if when > lost["at"]} & lost["committed"]
    times = Counter(name for name, _ in begun if name not in trouble)
    # What the node had in hand, and the clip or two that each killed worker had begun.
    assert sum(count - 1 for count in times.values()) <= lost["in hand"] + 2 * 2
    assert min(when for when in watch.commits if when > lost["at"]) - lost["at"] < 30


def test_a_videos_folder_that_nodes_lack_is_named(engine, tmp_path, monkeypatch):
    # The nodes are on this machine: they see what it sees, so the folder has to go.
    folder = tmp_path / "here only"
    folder.mkdir()
    monkeypatch.setattr("clipmill.engine.ray.engine._folder", lambda _item: str(folder))
    folder.rmdir()
    with pytest.raises(ClipmillError, match=r"has no folder .*here only: mount it there"):
        outcomes_of(engine, stage(ECHO), "a")


def test_items_are_read_only_as_far_as_they_are_placed(engine):
    read: list[str] = []

    def source():
        for key, item in named(*(f"v{n}" for n in range(5000))):
            read.append(key)
            yield key, item

    lots = engine.run(stage(ECHO, config={"seconds": 0.01}), source())
    next(lots)
    assert len(read) < 2500
    lots.close()
