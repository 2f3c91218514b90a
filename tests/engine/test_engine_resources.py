"""Processes see one GPU each; where a model finds no memory, fewer of them go on."""

from collections import Counter
from pathlib import Path

import pytest
from test_engine_local import items, spec

from clipmill.engine.local import LocalEngine
from clipmill.engine.resources.gpus import Gpu
from clipmill.engine.resources.machine import Machine
from clipmill.engine.spec import StageSpec, WorkerNeeds
from clipmill.errors import ClipmillError

NAMES = [f"v{number}" for number in range(16)]


def cards(count: int) -> Machine:
    return Machine(16, 2**40, tuple(Gpu(str(number)) for number in range(count)))


def placed(name: str, folder: Path, *, gpus: float = 1.0, workers: int = 0, **config) -> StageSpec:
    backend = f"placed_backends:{name}"
    needs = WorkerNeeds(gpus=gpus, workers=workers)
    return spec(backend=backend, config={"folder": str(folder)} | config, unit_size=1, needs=needs)


def run(engine: LocalEngine, stage: StageSpec, names=NAMES):
    return {o.key: o for lot in engine.run(stage, items(*names)) for o in lot}


def seen_by_process(outcomes) -> dict[int, str]:
    rows = {outcome.record for outcome in outcomes.values()}
    seen = {row.process: row.gpus for row in rows}
    assert len(rows) == len(seen), "a process saw other GPUs at another time"
    return seen


def test_eight_workers_see_a_gpu_each_and_all_see_another(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with LocalEngine(None, cards(8)) as engine:
        seen = seen_by_process(run(engine, placed("Placed", tmp_path, crowd=8)))
    assert sorted(seen.values()) == list("01234567")


def test_workers_that_take_a_quarter_are_four_to_a_card(tmp_path) -> None:
    with LocalEngine(None, cards(2)) as engine:
        seen = seen_by_process(run(engine, placed("Quarter", tmp_path, gpus=0.25, crowd=8)))
    assert Counter(seen.values()) == {"0": 4, "1": 4}


def test_a_process_that_sees_the_right_card_lives_on_and_no_other(tmp_path) -> None:
    with LocalEngine(None, cards(2)) as engine:
        first = seen_by_process(run(engine, placed("Placed", tmp_path, crowd=2)))
        again = placed("Placed", tmp_path, crowd=2)
        assert seen_by_process(run(engine, again)) == first
        named = spec(
            backend="placed_backends:Placed",
            config={"folder": str(tmp_path)},
            needs=WorkerNeeds(gpus=1.0, gpu=1),
            cpu_threads=8,  # as many as with two workers
        )
        (process,) = seen_by_process(run(engine, named))
        assert first[process] == "1"


@pytest.mark.parametrize("name", ["Roomy", "KilledWithoutRoom"])
def test_without_memory_for_every_model_fewer_workers_go_on(tmp_path, name) -> None:
    said: list[str] = []
    with LocalEngine(None, cards(4)) as engine:
        engine.say = said.append
        outcomes = run(engine, placed(name, tmp_path, room=2))
        workers = engine.rates.workers
    assert all(outcomes[key].record for key in NAMES)
    assert 1 <= workers <= 2
    assert len(said) == 2
    assert "no memory for one more worker on GPU" in said[0]
    assert "going on with 2 workers" in said[1]


def test_where_there_is_no_memory_for_one_the_run_ends_with_the_reason(tmp_path) -> None:
    with LocalEngine(None, cards(3)) as engine:
        engine.say = lambda _text: None
        with pytest.raises(ClipmillError, match=r"CUDA out of memory.*use fewer workers"):
            run(engine, placed("Roomy", tmp_path, room=0))
        assert not engine.slots


def test_a_run_tells_it_on_stderr(tmp_path, caplog) -> None:
    with LocalEngine(None, cards(2)) as engine:
        run(engine, placed("Roomy", tmp_path, room=1))
    assert "going on with 1 worker" in caplog.text


def test_a_step_has_the_last_word_on_the_number(tmp_path) -> None:
    with LocalEngine(1, cards(1)) as engine:
        seen = seen_by_process(run(engine, placed("Placed", tmp_path, workers=3, crowd=3)))
    assert list(seen.values()) == ["0"] * 3
