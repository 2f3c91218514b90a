"""The files of examples/cluster hold what they say, as far as that can be tried on one machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import clipmill

ROOT = Path(clipmill.__file__).parents[2]
FOLDER = ROOT / "examples" / "cluster"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="not a checkout")


def options_of(command: str) -> set[str]:
    return set(re.findall(r"(?<=\s)--[a-z-]+", command))


def commands(text: str) -> list[str]:
    """Return the calls of `clipmill run` in a file, on one line each."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return re.findall(r"(?<!`)clipmill run [^\n&`]+", joined)


def test_every_option_exists():
    said = subprocess.run(
        [sys.executable, "-m", "clipmill", "run", "--help"],
        env=os.environ | {"COLUMNS": "200", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    known = options_of(said)
    texts = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert {"one-machine.sh", "slurm.sbatch", "kuberay.yaml", "skypilot.yaml"} == texts.keys()
    entrypoint = yaml.safe_load(texts["kuberay.yaml"])["spec"]["entrypoint"]
    for name, text in texts.items():
        found = commands(text) if name != "kuberay.yaml" else [entrypoint]
        assert found, name
        for command in found:
            assert "--engine ray" in command, name
            assert options_of(command) <= known, name


@pytest.mark.parametrize("name", ["one-machine.sh", "slurm.sbatch"])
def test_scripts_are_sound(name):
    subprocess.run(["bash", "-n", str(FOLDER / name)], check=True)


def test_the_task_of_a_cloud_runs_on_every_machine(tmp_path):
    task = yaml.safe_load((FOLDER / "skypilot.yaml").read_text("utf-8"))
    assert task["resources"]["use_spot"]
    for part in ("setup", "run"):
        script = tmp_path / part
        script.write_text(task[part], "utf-8")
        subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_head_of_kubernetes_has_no_workers_and_all_see_the_same_disk():
    job = yaml.safe_load((FOLDER / "kuberay.yaml").read_text("utf-8"))
    cluster = job["spec"]["rayClusterSpec"]
    head = cluster["headGroupSpec"]
    (group,) = cluster["workerGroupSpecs"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    pods = [one["template"]["spec"] for one in (head, group)]
    assert pods[0]["volumes"] == pods[1]["volumes"]
    mounts, names = zip(
        *((p["containers"][0]["volumeMounts"], p["containers"][0]["image"]) for p in pods),
        strict=True,
    )
    assert mounts[0] == mounts[1] and names[0] == names[1]


def test_slurm_brings_up_a_head_and_a_raylet_on_every_other_node(tmp_path):
    """With stand-ins for Slurm, Ray and clipmill, which note how they are called."""
    calls = tmp_path / "calls"
    for name, body in {
        "scontrol": "printf 'n1\\nn2\\nn3\\n'",
        "srun": 'while [[ "$1" == --* ]]; do shift; done; exec "$@"',
        "hostname": "echo 10.0.0.1",
        "ray": f'echo "ray $*" >> {calls}; [[ "$1" == start ]] && sleep 5; exit 0',
        "clipmill": f'sleep 0.5; echo "clipmill $*" >> {calls}; exit 3',
    }.items():
        program = tmp_path / name
        program.write_text(f"#!/usr/bin/env bash\n{body}\n", "utf-8")
        program.chmod(0o755)
    slurm = {"SLURM_JOB_NODELIST": "n[1-3]", "SLURM_JOB_ID": "7", "SLURM_CPUS_ON_NODE": "16"}
    done = subprocess.run(
        ["bash", str(FOLDER / "slurm.sbatch")],
        env=os.environ
        | slurm
        | {"SLURM_GPUS_ON_NODE": "8", "VIDEOS": "/v", "WORKSPACE": "/ws"}
        | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=False,
        timeout=60,
    )
    assert done.returncode == 3  # that of the run
    lines = calls.read_text("utf-8").splitlines()
    starts = [line for line in lines if line.startswith("ray start")]
    assert len(starts) == 3 and all("--num-cpus=16 --num-gpus=8" in line for line in starts)
    assert sum("--head --node-ip-address=10.0.0.1 --port=20007" in line for line in starts) == 1
    assert sum("--address=10.0.0.1:20007" in line for line in starts) == 2
    assert any("--engine ray --address 10.0.0.1:20007" in line for line in lines)


def test_one_machine_really_runs(clips, tmp_path):
    pytest.importorskip("ray.cluster_utils", reason="needs clipmill[ray]")
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "a.mp4").symlink_to(clips("cluster.mp4", frames=12))
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text("name: small\nsteps:\n  - annotate: probe\n", "utf-8")
    program = tmp_path / "clipmill"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m clipmill "$@"\n', "utf-8")
    program.chmod(0o755)
    done = subprocess.run(
        [FOLDER / "one-machine.sh", videos, tmp_path / "ws", "--config", pipeline, "-j", "1"],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not done.returncode, done.stderr
    assert list((tmp_path / "ws").glob("annotations/probe/*/part-*.parquet"))
