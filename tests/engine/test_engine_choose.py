"""Engines are chosen in one place, and say what they work with."""

import os
import sys

import pytest
from test_engine_local import items, spec

from clipmill.engine.base import Engine, Resources
from clipmill.engine.choose import EngineName, choose_engine
from clipmill.errors import MissingExtraError, UsageError

CORES = os.cpu_count() or 1


@pytest.mark.parametrize(
    ("workers", "resources"),
    [
        (0, Resources(processes=0, cpu_threads=CORES)),
        (1, Resources(processes=1, cpu_threads=CORES)),
        (2, Resources(processes=2, cpu_threads=max(1, CORES // 2))),
        (4 * CORES, Resources(processes=4 * CORES, cpu_threads=1)),
    ],
)
def test_cores_are_shared_out_among_the_processes(workers, resources):
    with choose_engine(workers) as engine:
        assert engine.resources == resources


@pytest.mark.parametrize("workers", [0, 1])
def test_whichever_it_is_it_runs_a_stage_and_tells_its_peak(workers):
    with choose_engine(workers) as engine:
        assert isinstance(engine, Engine)
        outcomes = [outcome for lot in engine.run(spec(), items("a", "b")) for outcome in lot]
        assert [outcome.key for outcome in outcomes] == ["a", "b"]
        assert engine.peak_rss > 10_000_000


def test_no_process_is_left_when_the_block_ends_with_an_error():
    with pytest.raises(RuntimeError, match="the caller's own"), choose_engine(1) as engine:
        list(engine.run(spec(), items("a")))
        (slot,) = engine.slots
        raise RuntimeError("the caller's own")
    assert not slot.process.is_alive()


@pytest.mark.parametrize(
    ("workers", "name", "address", "text"),
    [
        (None, EngineName.LOCAL, "10.0.0.1:6379", "add --engine ray"),
        (0, EngineName.RAY, "", "--workers 0 is for --engine local"),
        (None, EngineName.RAY, "ray://10.0.0.1:10001", "on a machine of the cluster"),
    ],
)
def test_what_does_not_go_together_is_refused(workers, name, address, text):
    if address.startswith("ray://"):
        pytest.importorskip("ray.cluster_utils", reason="needs clipmill[ray]")
    with pytest.raises(UsageError, match=text):
        choose_engine(workers, name=name, address=address)


def test_without_ray_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "clipmill\[ray\]"'):
        choose_engine(None, name=EngineName.RAY)
