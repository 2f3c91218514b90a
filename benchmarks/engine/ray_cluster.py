"""What a Ray cluster does, and what it costs to lose parts of it: three nodes on this machine.

    python benchmarks/engine/ray_cluster.py [equal rate node head wild]

The nodes are real raylets (`ray.cluster_utils`), each with an address on loopback. No GPU needed.

- `equal`: tiny clips through the profile `embedded`: every table against the local engine's.
- `rate`: a model that sleeps, three workers: clips per second against the local engine's.
- `node`: a node is killed in the middle of a stage.
- `head`: the head is killed in the middle of a run; the cluster is started again, and the run too.
- `wild`: 10 SIGKILLs of workers and 3 lost nodes, with a clip that raises and one that kills its
  worker as a system without memory does: every table against that of an undisturbed run.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = [str(ROOT / "tests" / "support"), str(ROOT / "tests")]
sys.path[:0] = [str(ROOT / "benchmarks"), *SUPPORT]

from cluster_runs import (  # noqa: E402
    CLIP_SECONDS,
    Disturber,
    make_clips,
    resident,
    rows_of,
    run_sleepy,
    sleepy_items,
    sleepy_pipeline,
    sleepy_spec,
)
from kill_resume import different_tables, tables  # noqa: E402
from raylets import RayCluster, kill, log_lines, ray_cluster, worker_processes  # noqa: E402

from clipmill.engine.base import Engine  # noqa: E402
from clipmill.engine.local import LocalEngine  # noqa: E402
from clipmill.engine.ray.engine import RayEngine  # noqa: E402
from media import make_clip  # noqa: E402

NODES = 3
ROUNDS = 2
CLIPS = 600


def equal(folder: Path) -> bool:
    """Compare the tables of the profile `embedded`."""
    clips = folder / "clips"
    clips.mkdir()
    for number in range(4):
        make_clip(clips / f"v{number}.mp4", frames=110 + number, size=(480, 320))
    command = [sys.executable, "-m", "clipmill", "run", "--input", str(clips)]
    command += ["--profile", "embedded", "--quiet", "--workspace"]
    subprocess.run([*command, str(folder / "local"), "--workers", "2"], check=True)
    with ray_cluster(NODES) as cluster:
        command += [str(folder / "ray"), "--engine", "ray", "--address", cluster.address]
        subprocess.run(command, check=True)
    first, second = tables(folder / "local"), tables(folder / "ray")
    different = different_tables(first, second, more_rows=False)
    print(f"equal: {len(first)} tables; different: {', '.join(different) or 'none'}")
    return not different


def rate(folder: Path) -> bool:
    """Compare clips per second of three workers that are there already, by turns."""
    seconds = {"local": 0.0, "ray": 0.0}
    busy: dict[str, list[float]] = {"local": [], "ray": []}
    with (
        ray_cluster(NODES) as cluster,
        RayEngine(cluster.address) as remote,
        LocalEngine(NODES) as local,
    ):
        engines: dict[str, Engine] = {"local": local, "ray": remote}
        for engine in engines.values():
            _run(engine, folder, 60)
        for _ in range(ROUNDS):
            for name, engine in engines.items():
                seconds[name] += _run(engine, folder, CLIPS)
                busy[name].append(engine.rates.busy)
    speeds = {name: ROUNDS * CLIPS / took for name, took in seconds.items()}
    share = speeds["ray"] / speeds["local"]
    told = ", ".join(
        f"{name} {speeds[name]:.1f} clips/s (busy {min(busy[name]):.1%} at least)"
        for name in speeds
    )
    print(f"rate: {told}: {share:.1%}; {NODES / CLIP_SECONDS:.1f} clips/s at most")
    return share >= 0.9


def _run(engine: Engine, folder: Path, count: int) -> float:
    began = time.monotonic()
    done = sum(len(lot) for lot in engine.run(sleepy_spec(), sleepy_items(folder, count)))
    assert done == count
    return time.monotonic() - began


def node(folder: Path) -> bool:
    """Kill one node of three in the middle."""
    clips, log = make_clips(folder / "clips", 60), folder / "log"
    with ray_cluster(NODES) as cluster, RayEngine(cluster.address) as engine:

        def lose(_done: int) -> None:
            lost = cluster.nodes[0]
            held = resident(engine, lost)
            at.append((time.time(), held, rows_of(folder / "ws")))
            cluster.lose(0)

        at: list[tuple[float, int, set[str]]] = []
        watch = Disturber({20: lose})
        run_sleepy(clips, folder / "ws", engine, log=log, observer=watch)
    moment, held, committed = at[0]
    begun = [line.split() for line in log_lines(log)]
    again = {name for name, count in Counter(name for name, _, _ in begun).items() if count > 1}
    after = min((float(when) for _, _, when in begun if float(when) > moment), default=0.0) - moment
    first = min(when for when in watch.commits if when > moment) - moment
    repeated = sum(float(when) > moment and name in committed for name, _, when in begun)
    print(
        f"node: killed with {len(committed)} rows committed and {held} clips in hand: committed "
        f"rows computed again {repeated}; clips begun twice {len(again)}; next clip begun after "
        f"{after:.1f} s, next commit after {first:.1f} s; "
        f"rows in the end {len(rows_of(folder / 'ws'))}"
    )
    return not repeated and len(again) <= held and first < 30


def head(folder: Path) -> bool:
    """Kill the head in the middle of a run, then start a new cluster and the run again."""
    clips, workspace, log = make_clips(folder / "clips", 100), folder / "ws", folder / "log"
    pipeline = folder / "clipmill.yaml"
    pipeline.write_text(sleepy_pipeline(log, model=2.0), "utf-8")
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {SUPPORT!r}; "
               "from clipmill.cli import main; main()", "run", "--quiet"]  # fmt: skip
    command += ["--input", str(clips), "--config", str(pipeline), "--workspace", str(workspace)]
    command += ["--engine", "ray", "--address"]
    with ray_cluster(NODES) as cluster:
        run = subprocess.Popen([*command, cluster.address], stderr=subprocess.PIPE, text=True)
        while len(rows_of(workspace)) < 20:
            assert run.poll() is None, run.stderr and run.stderr.read()
            time.sleep(0.1)
        cluster.lose_head()
        began = time.monotonic()
        said = run.communicate(timeout=120)[1].strip()
    before = rows_of(workspace)
    print(
        f"head: killed; the run ended after {time.monotonic() - began:.0f} s with exit code "
        f"{run.returncode}, {len(before)} rows committed, saying: {said}"
    )
    begun = len(log_lines(log))
    pipeline.write_text(sleepy_pipeline(log), "utf-8")
    with ray_cluster(NODES) as cluster:
        subprocess.run([*command, cluster.address], check=True)
    again = {line.split()[0] for line in log_lines(log)[begun:]}
    print(
        f"head: the same command on a new cluster: {len(rows_of(workspace))} rows; committed rows "
        f"computed again {len(again & before)}"
    )
    return bool(run.returncode == 1 and not again & before and len(rows_of(workspace)) == 100)


def wild(folder: Path) -> bool:
    """Compare a run with 10 SIGKILLs and 3 lost nodes with an undisturbed one."""
    trouble = ("poison.mp4", "oom.mp4")
    clips = make_clips(folder / "clips", 110, extra=trouble)
    with ray_cluster(NODES) as cluster:
        with RayEngine(cluster.address) as engine:
            run_sleepy(clips, folder / "calm", engine, log=folder / "calm.log")
        moments = {8 * (number + 1): _one_kill(cluster) for number in range(10)}
        moments |= {20: _one_loss(cluster), 45: _one_loss(cluster), 70: _one_loss(cluster)}
        watch = Disturber(moments)
        with RayEngine(cluster.address) as engine:
            run_sleepy(clips, folder / "wild", engine, log=folder / "wild.log", observer=watch)
    different = different_tables(tables(folder / "calm"), tables(folder / "wild"), more_rows=False)
    failed = rows_of(folder / "wild", failed=True)
    print(
        f"wild: {watch.hits} disturbances of 13 hit; tables that differ: "
        f"{', '.join(different) or 'none'}; failed by name: {', '.join(sorted(failed))}; "
        f"clips begun {len(log_lines(folder / 'wild.log'))} times, undisturbed "
        f"{len(log_lines(folder / 'calm.log'))}"
    )
    return not different and watch.hits == 13 and failed == set(trouble)


def _one_kill(cluster: RayCluster) -> Callable[[int], bool]:
    def disturb(done: int) -> bool:
        found = [p for one in cluster.nodes for p in worker_processes(one)]
        return bool(found) and kill(found[done % len(found)])

    return disturb


def _one_loss(cluster: RayCluster) -> Callable[[int], bool]:
    def disturb(done: int) -> bool:
        cluster.lose(done % len(cluster.nodes))
        cluster.add(1)
        return True

    return disturb


PARTS = {part.__name__: part for part in (equal, rate, node, head, wild)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    ok = True
    for name in parser.parse_args(arguments).parts:
        with tempfile.TemporaryDirectory() as folder:
            ok = PARTS[name](Path(folder)) and ok
    sys.exit(not ok)


if __name__ == "__main__":
    main()
