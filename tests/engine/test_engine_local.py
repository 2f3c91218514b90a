"""Both engines give the same outcomes; only spawned workers survive a dying process."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from clipmill.annotations.base import ClipInput
from clipmill.clips import Clip, Video, video_id_for
from clipmill.engine.inprocess import InProcessEngine
from clipmill.engine.local import LocalEngine
from clipmill.engine.spec import StageSpec
from clipmill.errors import ClipmillError


def spec(name: str = "Echo", **changes) -> StageSpec:
    from clipmill.annotations.registry import find_backend

    backend = find_backend("quality", f"fake_backends:{name}")
    settings = {
        "annotation": "quality",
        "backend": f"fake_backends:{name}",
        "config": {},
        "time_limit": 30.0,
        "unit_size": backend.unit_size,
        "batch_size": backend.batch_size,
    }
    return StageSpec(**(settings | changes))


def items(*names: str):
    for number, name in enumerate(names):
        video = Video(video_id_for(name), "", name, f"/nowhere/{name}", 1)
        yield name, ClipInput(video, Clip(video.video_id, number, number + 1))


@pytest.fixture(params=["in process", "two workers"])
def engine(request):
    engine = InProcessEngine() if request.param == "in process" else LocalEngine(2)
    yield engine
    engine.close()


def run(engine, stage, *names):
    return {o.key: o for lot in engine.run(stage, items(*names)) for o in lot}


@pytest.mark.parametrize("backend", ["Echo", "Batched", "Greedy"])
def test_every_clip_has_one_outcome(engine, backend):
    names = [f"v{i}" for i in range(11)]
    outcomes = run(engine, spec(backend), *names)
    assert set(outcomes) == set(names)
    assert [outcomes[n].record.start for n in names] == list(range(11))


@pytest.mark.parametrize("backend", ["Echo", "Batched"])
def test_a_clip_that_raises_fails_alone(engine, backend):
    names = ["a", "unreadable", "b", "poison", "c"]
    outcomes = run(engine, spec(backend), *names)
    assert {n for n in names if outcomes[n].record is None} == {"unreadable", "poison"}
    assert outcomes["unreadable"].error == "unreadable cannot be read"
    text = "RuntimeError: the model does not like this clip (fake_backends.py:"
    assert outcomes["poison"].error.startswith(text)
    assert outcomes["poison"].error_kind == "model"


def test_a_clip_that_computes_for_too_long_is_stopped_when_it_asks(monkeypatch):
    # However little of the processor it gets beside other tests.
    monkeypatch.setattr("clipmill.engine.feeding.clock.WALL_FACTOR", 1e6)
    outcomes = run(InProcessEngine(), spec(time_limit=0.3), "a", "busy", "b")
    assert outcomes["busy"].error_kind == "timeout"
    assert "0.3 s of computing time" in outcomes["busy"].error
    assert outcomes["a"].record
    assert outcomes["b"].record


def test_a_clip_that_only_waits_is_stopped_when_it_asks(engine):
    """Later, and as no fault of its own."""
    outcomes = run(engine, spec(time_limit=0.3), "a", "slow", "b")
    assert outcomes["slow"].error_kind == "stalled"
    assert "1.5 s, 5 times its limit" in outcomes["slow"].error
    assert outcomes["a"].record
    assert outcomes["b"].record


def test_outcomes_come_in_lots_of_the_unit_size():
    lots = list(InProcessEngine().run(spec(unit_size=3), items(*"abcdefgh")))
    assert [len(lot) for lot in lots if lot] == [3, 3, 2]


def test_a_clip_that_kills_its_process_fails_alone():
    engine = LocalEngine(2)
    names = ["a", "crash1", "b", "c", "crash2", "d", "e", "f", "g"]
    outcomes = run(engine, spec(), *names)
    engine.close()
    assert set(outcomes) == set(names)
    assert {n for n in names if outcomes[n].record is None} == {"crash1", "crash2"}
    assert outcomes["crash1"].error_kind == "crash"
    assert "SIGSEGV" in outcomes["crash1"].error


@pytest.mark.parametrize(("name", "kind"), [("spin", "timeout"), ("hang", "stalled")])
def test_a_clip_that_hangs_without_asking_is_stopped(monkeypatch, name, kind):
    monkeypatch.setattr("clipmill.engine.processes.slot.GRACE_SECONDS", 0.5)
    if name == "spin":
        monkeypatch.setattr("clipmill.engine.processes.slot.WALL_FACTOR", 1e6)
    engine = LocalEngine(1)
    outcomes = run(engine, spec(time_limit=0.5, unit_size=3), "a", name, "b")
    engine.close()
    assert outcomes[name].error_kind == kind
    assert outcomes["a"].record
    assert outcomes["b"].record


def test_a_backend_that_cannot_be_set_up_stops_the_run_with_its_reason():
    engine = LocalEngine(1)
    with pytest.raises(ClipmillError, match="the weights are missing"):
        run(engine, spec("Broken"), "a")
    engine.close()


def test_workers_that_die_at_the_start_stop_the_run():
    engine = LocalEngine(1)
    with pytest.raises(ClipmillError, match="die before they begin"):
        run(engine, spec("DeadOnArrival"), "a")
    engine.close()


def test_processes_live_on_from_stage_to_stage():
    engine = LocalEngine(1)
    run(engine, spec(), "a")
    first = engine.slots[0].process.pid
    run(engine, spec("Batched"), "a")
    assert engine.slots[0].process.pid == first
    assert engine.peak_rss > 10_000_000
    engine.close()


def test_workers_die_with_their_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            sys.path[:0] = [SUPPORT, TESTS]
            from test_engine_local import items, spec
            from clipmill.engine.local import LocalEngine
            if __name__ == "__main__":
                engine = LocalEngine(1)
                for lot in engine.run(spec(unit_size=1), items("a", "hang")):
                    if lot:
                        print(engine.slots[0].process.pid, flush=True)
            """
        )
        .replace("SUPPORT", repr(str(Path(__file__).parents[1] / "support")))
        .replace("TESTS", repr(str(Path(__file__).parent)))
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    descriptor = os.pidfd_open(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    import select

    readable, _, _ = select.select([descriptor], [], [], 30)
    os.close(descriptor)
    assert readable, "the worker outlived its parent"


def test_an_order_that_cannot_be_sent_ends_the_run_and_not_in_silence():
    engine = LocalEngine(1)
    ((key, item),) = items("a")
    unsendable = replace(item, rows={"objects": lambda: None})
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        list(engine.run(spec(), [(key, unsendable)]))
    assert not engine.slots


class OnlyHere:
    """Pickled here, and nowhere to be unpickled."""

    def __reduce__(self):
        return getattr, (OnlyHere, "nothing")


def test_an_order_that_cannot_be_read_ends_the_run_with_its_reason(capfd):
    ((key, item),) = items("a")
    with LocalEngine(1) as engine, pytest.raises(ClipmillError, match="exit code 1"):
        list(engine.run(spec(), [(key, replace(item, rows={"objects": OnlyHere()}))]))
    assert "nothing" in capfd.readouterr().err
