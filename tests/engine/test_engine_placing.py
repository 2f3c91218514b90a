"""How many workers a stage gets, and what each of them has."""

from collections import Counter

import pytest

from clipmill.engine.resources.gpus import Gpu
from clipmill.engine.resources.machine import Machine, free_memory, usable_cores
from clipmill.engine.resources.placing import places_of, settle
from clipmill.engine.spec import StageSpec, WorkerNeeds
from clipmill.errors import UsageError

GIB = 2**30
EIGHT = Machine(64, 512 * GIB, tuple(Gpu(str(n), 80 * GIB) for n in range(8)))
NONE = Machine(16, 64 * GIB)


def seen(needs: WorkerNeeds, machine: Machine = EIGHT, workers: int | None = None) -> list[str]:
    return [place.gpu for place in places_of(needs, machine, workers)]


def test_a_worker_per_card() -> None:
    assert seen(WorkerNeeds(gpus=1.0)) == list("01234567")


def test_a_quarter_makes_four_to_a_card() -> None:
    assert Counter(seen(WorkerNeeds(gpus=0.25))) == dict.fromkeys("01234567", 4)


@pytest.mark.parametrize(("share", "count"), [(1 / 3, 3), (0.3, 3), (0.1, 10), (1.0, 1), (0.6, 1)])
def test_shares_are_never_exceeded(share: float, count: int) -> None:
    assert set(Counter(seen(WorkerNeeds(gpus=share))).values()) == {count}


def test_memory_goes_before_the_share() -> None:
    assert Counter(seen(WorkerNeeds(gpus=0.25, gpu_memory=30 * GIB)))["0"] == 2
    # One is tried even so: what it needs is an estimate.
    assert Counter(seen(WorkerNeeds(gpus=0.25, gpu_memory=90 * GIB)))["0"] == 1


def test_fewer_workers_take_a_card_each() -> None:
    assert seen(WorkerNeeds(gpus=0.25), workers=4) == list("0123")


def test_workers_beyond_the_cards_do_not_come_unless_the_step_says_so() -> None:
    assert len(seen(WorkerNeeds(gpus=1.0), workers=20)) == 8
    assert Counter(seen(WorkerNeeds(gpus=1.0, workers=20)))["0"] == 3


def test_a_gpu_that_the_settings_name() -> None:
    assert seen(WorkerNeeds(gpus=0.5, gpu=3)) == ["3", "3"]
    with pytest.raises(UsageError, match="no GPU 8: 8 can be used"):
        places_of(WorkerNeeds(gpus=1.0, gpu=8), EIGHT, None)


def test_stages_without_a_gpu_go_by_cores_and_memory() -> None:
    assert len(seen(WorkerNeeds(), NONE)) == 16
    assert len(seen(WorkerNeeds(cpus=4), NONE)) == 4
    assert len(seen(WorkerNeeds(memory=10 * GIB), NONE)) == 6
    assert len(seen(WorkerNeeds(memory=100 * GIB), NONE)) == 1
    assert len(seen(WorkerNeeds(), NONE, workers=40)) == 40
    assert len(seen(WorkerNeeds(gpus=1.0), NONE)) == 16


def test_no_process_sees_two_cards_whatever_its_stage_wants() -> None:
    places = Counter(seen(WorkerNeeds(), workers=16))
    assert places == dict.fromkeys("01234567", 2)


def stage(**changes) -> StageSpec:
    settings = {"config": {}, "time_limit": 1.0, "unit_size": 8, "batch_size": 4} | changes
    return StageSpec("tracks", "any", **settings)


def settled(spec: StageSpec, machine: Machine) -> StageSpec:
    return settle(spec, machine, places_of(spec.needs, machine, None))


def test_cores_decode_for_a_model_on_a_gpu() -> None:
    spec = settled(stage(needs=WorkerNeeds(gpus=1.0)), EIGHT)
    assert (spec.decode_threads, spec.ahead, spec.cpu_threads) == (8, 16, 8)
    spec = settled(stage(needs=WorkerNeeds(gpus=0.25)), EIGHT)
    assert (spec.decode_threads, spec.ahead, spec.cpu_threads) == (2, 10, 2)


def test_a_model_that_has_cores_itself_has_one_thread_that_decodes() -> None:
    spec = settled(stage(), NONE)
    assert (spec.decode_threads, spec.ahead, spec.cpu_threads) == (1, 4, 1)


def test_what_the_pipeline_file_says_stays() -> None:
    spec = settled(stage(ahead=3, decode_threads=5, needs=WorkerNeeds(gpus=1.0)), EIGHT)
    assert (spec.decode_threads, spec.ahead) == (5, 3)


def test_clips_ahead_take_a_quarter_of_the_memory_at_most() -> None:
    small = Machine(4, 8 * GIB)
    assert settled(stage(), small).ahead_bytes == GIB // 2
    assert settled(stage(), EIGHT).ahead_bytes == 2 * GIB


def test_a_worker_that_sees_one_card_finds_it_as_its_first() -> None:
    named = stage(config={"device": "cuda:3"}, needs=WorkerNeeds(gpus=1.0, gpu=3))
    assert settled(named, EIGHT).config == {"device": "cuda"}
    places = places_of(named.needs, EIGHT, None)
    assert settle(named, EIGHT, places, hidden=False).config == {"device": "cuda:3"}
    assert settled(named, NONE).config == {"device": "cuda:3"}


def test_this_machine_has_cores_and_memory() -> None:
    assert usable_cores() >= 1
    assert free_memory() > 2**20
