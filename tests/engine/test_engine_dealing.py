"""Who gets which clips: none idles while another has two, and one that hangs is found."""

from pathlib import Path

import pytest
from test_engine_local import items, run, spec

from clipmill.engine.local import LocalEngine


def test_a_worker_that_is_done_takes_over_from_one_that_is_not(tmp_path) -> None:
    config = {"folder": str(tmp_path)}
    stage = spec(backend="placed_backends:Uneven", config=config, unit_size=32)
    with LocalEngine(2) as engine:
        # Dealt in turns, all slow ones would be on one of them.
        outcomes = [o for lot in engine.run(stage, items(*map(str, range(32)))) for o in lot]
    assert sorted(int(outcome.key) for outcome in outcomes) == list(range(32))
    slow = [o.record.process for o in outcomes if int(o.key) % 2 == 0]
    assert min(slow.count(process) for process in set(slow)) >= 4
    assert len(set(slow)) == 2


def test_a_decoding_thread_that_hangs_is_found_while_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("clipmill.engine.processes.slot.GRACE_SECONDS", 0.5)
    log = tmp_path / "log"
    names = ["hang", *(f"v{number}" for number in range(200))]
    stage = spec(
        time_limit=0.5,
        decode_threads=2,
        ahead=4,
        config={"seconds": 0.1, "log": str(log)},
    )
    with LocalEngine(1) as engine:
        outcomes = run(engine, stage, *names)
    assert set(outcomes) == set(names)
    assert {key for key in names if outcomes[key].record is None} == {"hang"}
    assert outcomes["hang"].error_kind == "stalled"
    lines = log.read_text().splitlines()
    tried = [at for at, line in enumerate(lines) if line.endswith("000000-000001")]
    assert len(tried) == 2
    assert len(lines) - tried[1] > 50, "it was found only when nothing else was left"


def test_clips_are_read_only_as_far_as_they_are_placed() -> None:
    read = []

    def source():
        for item in items(*(f"v{number}" for number in range(1000))):
            read.append(item[0])
            yield item

    stage = spec(unit_size=4)
    engine = LocalEngine(1)
    running = engine.run(stage, source())
    assert len(next(running)) == 4
    assert len(read) < 40
    running.close()
    assert not engine.slots
