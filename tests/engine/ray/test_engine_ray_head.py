"""The head of a cluster dies with all it knows: the run ends, and goes on with another cluster."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray.cluster_utils", reason="needs clipmill[ray]")

from cluster_runs import make_clips, rows_of, sleepy_pipeline
from raylets import log_lines, ray_cluster

TESTS = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_run_ends_with_its_head_and_goes_on_with_another(tmp_path):
    clips, workspace, log = make_clips(tmp_path / "clips", 40), tmp_path / "ws", tmp_path / "log"
    pipeline = tmp_path / "clipmill.yaml"
    pipeline.write_text(sleepy_pipeline(log, model=3.0), "utf-8")
    program = f"import sys; sys.path[:0] = [{str(TESTS / 'support')!r}]; "
    program += "from clipmill.cli import main; main()"
    command = [sys.executable, "-c", program, "run", "--quiet", "--input", str(clips)]
    command += ["--config", str(pipeline), "--workspace", str(workspace)]
    command += ["--engine", "ray", "--address"]
    with ray_cluster(1) as cluster:
        run = subprocess.Popen(
            [*command, cluster.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while len(rows_of(workspace)) < 3:
            assert run.poll() is None, run.communicate()
            time.sleep(0.1)
        cluster.lose_head()
        out, said = run.communicate(timeout=100)
    assert run.returncode == 1
    assert "does not answer any more. Everything finished is kept" in said.replace("\n", " ")
    assert not out
    before, begun = rows_of(workspace), len(log_lines(log))
    assert 3 <= len(before) < 40

    pipeline.write_text(sleepy_pipeline(log, model=0.01), "utf-8")
    with ray_cluster(1) as cluster:
        subprocess.run([*command, cluster.address], check=True)
    assert len(rows_of(workspace)) == 40
    assert not {line.split()[0] for line in log_lines(log)[begun:]} & before
