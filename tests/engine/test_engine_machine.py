"""What a machine does to workers is no verdict on the clips they had."""

import os
import signal
import subprocess
import sys
import time

import pytest
from test_engine_local import items, run, spec

from clipmill.engine.feeding.clock import ClipClock
from clipmill.engine.inprocess import InProcessEngine
from clipmill.engine.local import LocalEngine
from clipmill.errors import ClipTimeoutError


def failing(name: str = "Failing", **config):
    from clipmill.annotations.registry import find_backend

    backend = f"failing_backends:{name}"
    find_backend("quality", backend)
    return spec(backend=backend, config=config, unit_size=2)


@pytest.fixture
def bad_day(tmp_path):
    place = tmp_path / "bad day"
    place.touch()
    return str(place)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("memory", "memory"), ("gpu", "memory"), ("opencv", "memory")),
        *(("eio", "disk"), ("full", "disk"), ("files", "disk"), ("device", "device")),
    ],
)
def test_errors_of_the_machine_have_kinds_of_their_own(bad_day, name, kind):
    stage = failing(bad_day=bad_day)
    outcomes = run(InProcessEngine(), stage, "a", name, "poison", "b")
    assert outcomes[name].error_kind == kind
    assert outcomes["poison"].error_kind == "model"
    assert outcomes["a"].record and outcomes["b"].record


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("killed", "killed", "SIGKILL from outside"),
        ("alloc", "killed", "SIGABRT; it had no memory left: "),
        ("segfault", "crash", "SIGSEGV"),
        ("device", "device", "illegal memory access"),
    ],
)
def test_a_clip_that_ends_its_worker_is_tried_twice(bad_day, tmp_path, name, kind, text):
    log = tmp_path / "log"
    engine = LocalEngine(1)
    outcomes = run(engine, failing(bad_day=bad_day, log=str(log)), "a", name, "b", "c")
    engine.close()
    assert (outcomes[name].error_kind, outcomes[name].record) == (kind, None)
    assert text in outcomes[name].error
    assert all(outcomes[other].record for other in "abc")
    tried = [line.split()[1] for line in log.read_text().splitlines() if line.startswith(name)]
    assert len(tried) == len(set(tried)) == 2  # each time in another process


def test_what_did_not_fit_beside_others_is_done_alone(tmp_path):
    names = [f"v{number}" for number in range(14)]
    engine = LocalEngine(3)
    outcomes = run(engine, failing("Crowded", bad_day=str(tmp_path)), *names)
    engine.close()
    assert all(outcomes[name].record for name in names)
    # Nothing was spared by chance: there was a crowd.
    assert len(list(tmp_path.iterdir())) > 1


def test_a_worker_killed_from_outside_costs_no_clip(tmp_path):
    go = tmp_path / "go"
    engine = LocalEngine(1)
    stage = spec(
        unit_size=1, time_limit=5.0, config={"until": str(go), "log": str(tmp_path / "log")}
    )
    lots = engine.run(stage, items("a", "b"))
    # The generator runs in this thread, so a process of its own pulls the trigger.
    trigger = subprocess.Popen([sys.executable, "-c", TRIGGER, str(os.getpid()), str(tmp_path)])
    outcomes = {outcome.key: outcome for lot in lots for outcome in lot}
    assert trigger.wait() == 0
    engine.close()
    assert outcomes["a"].record and outcomes["b"].record


TRIGGER = """
import os, signal, sys, time, psutil
from pathlib import Path
folder = Path(sys.argv[2])
while not (folder / "log").exists():
    time.sleep(0.01)
# The newest: other tests of this process may have left processes that make pictures.
worker = max((p for p in psutil.Process(int(sys.argv[1])).children()
              if "spawn_main" in " ".join(p.cmdline()) and p.pid != os.getpid()),
             key=lambda p: p.create_time())
worker.send_signal(signal.SIGKILL)
(folder / "go").touch()
"""


def test_a_busy_machine_takes_no_time_from_a_clip(monkeypatch):
    monkeypatch.setattr("clipmill.engine.feeding.clock.WALL_FACTOR", 1e6)
    hogs = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(3 * (os.cpu_count() or 1))
    ]
    try:
        clock = ClipClock(limit=0.4)
        with clock.running():
            began = time.process_time()
            while time.process_time() - began < 0.28:
                clock.check()
        assert clock.elapsed > 0.4, "the machine was not busy: the test did not test"
        assert 0.24 < clock.computing < 0.4
        with clock.running(), pytest.raises(ClipTimeoutError, match=r"0\.4 s of computing time"):
            while True:
                clock.check()
    finally:
        for hog in hogs:
            hog.send_signal(signal.SIGKILL)
            hog.wait()
