"""How a run that lost clips ends: what it says, its exit code, and the command that goes on."""

import json
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import clipmill as clipmill_package
from media import make_clip

ROOT = Path(__file__).parents[1]
PIPELINE = """
name: failures
steps:
  - annotate: probe
  - annotate: quality
    backend: failing_backends:Failing
    config: {bad_day: BAD, megabytes: SIZE}
"""


@pytest.fixture
def place(tmp_path) -> Path:
    """Folder with videos, a pipeline and a bad day."""
    for name in ("a", "b", "memory-1"):
        extra = ("-metadata", f"comment={name}")
        make_clip(tmp_path / "videos" / f"{name}.mp4", size=(32, 32), frames=4, extra=extra)
    (tmp_path / "videos" / "broken.mp4").write_text("no video")
    bad_day = tmp_path / "bad"
    bad_day.touch()
    text = PIPELINE.replace("BAD", str(bad_day))
    (tmp_path / "p.yaml").write_text(text.replace("SIZE", "0"))
    (tmp_path / "big.yaml").write_text(text.replace("SIZE", "4096"))
    return tmp_path


def words(place: Path, *more: object, config: str = "p.yaml", workers: int = 0) -> list[object]:
    given = ["-i", place / "videos", "-c", place / config, "-w", place / "ws", "-j", workers]
    return ["run", *given, *more]


def test_what_the_machine_could_not_do_has_an_exit_code_of_its_own(clipmill, place):
    code, out, err = clipmill(*words(place))
    assert code == 3
    assert "quality: 3 clips in, 2 on, 1 postponed" in err
    again = shlex.join(["clipmill", *map(str, words(place))])
    assert "1 video or clip that the machine could not do now (memory 1)" in out
    assert f"tries them again:  {again}\n" in out
    assert f"After fixing the cause:  {again} --retry-failed=decode\n" in out
    assert clipmill(*words(place, "--strict"))[0] == 3
    (place / "bad").unlink()
    code, out, _ = clipmill(*words(place))
    assert code == 0
    assert "not done:" not in out
    assert "failed: 1 by a fault of their own (decode 1)" in out
    assert clipmill(*words(place, "--strict"))[0] == 1


def test_a_run_as_json_tells_them_apart(clipmill, place):
    code, out, _ = clipmill(*words(place, "--json"))
    data = json.loads(out)
    assert code == 3
    assert (data["failed"], data["failed_kinds"]) == (1, {"decode": 1})
    assert (data["postponed"], data["postponed_kinds"]) == (1, {"memory": 1})
    assert [step["postponed"] for step in data["steps"]] == [0, 0, 1]


def test_failed_status_and_why_tell_them_apart(clipmill, place):
    clipmill(*words(place))
    rows = json.loads(clipmill("failed", "-w", place / "ws", "--json")[1])["failures"]
    found = [(row["step"], row["path"], row["state"], row["kind"]) for row in rows]
    assert found == [
        ("probe", "broken.mp4", "failed", "decode"),
        ("quality", "memory-1.mp4", "postponed", "memory"),
    ]
    out = clipmill("failed", "-w", place / "ws")[1]
    own, machine = out.split("postponed: the machine could not do them")
    assert "broken.mp4" in own and "memory-1.mp4" not in own
    assert "memory-1.mp4" in machine and "use fewer workers (--workers 1)" in machine
    code, out, _ = clipmill("status", "-w", place / "ws")
    assert code == 0
    assert "1 x postponed: memory" in out and "1 x failed: decode" in out
    assert "1 postponed: the machine could not do them, which is no verdict" in out
    assert "postponed at quality: memory:" in clipmill("why", "memory-1.mp4", "-w", place / "ws")[1]


@pytest.mark.parametrize(
    ("given", "probed"),
    [
        (["--retry-failed"], 1),
        (["--retry-failed=all"], 1),
        (["--retry-failed", "timeout,decode"], 1),
        (["--retry-failed", "timeout"], 0),
    ],
)
def test_failures_are_retried_by_kind(clipmill, place, given, probed):
    clipmill(*words(place))
    # In the midst of other options as well as at the end.
    for arguments in (
        [*words(place, "--json"), *given],
        ["run", *given, *words(place)[1:], "--json"],
    ):
        assert json.loads(clipmill(*arguments)[1])["computed"]["probe"] == probed


def test_an_unknown_kind_is_wrong_usage(clipmill, place):
    code, _, err = clipmill(*words(place, "--retry-failed", "timeouts"))
    assert code == 2
    assert "timeouts; there are: all, decode" in " ".join(err.split())
    assert not (place / "ws").exists()


def test_the_help_of_run_has_the_exit_codes(clipmill):
    out = " ".join(clipmill("run", "--help")[1].replace("│", " ").split())
    assert "Exit codes: 0 done" in out and "3 done but for clips that the machine could" in out


@pytest.mark.parametrize("workers", [0, 1])
def test_a_memory_limit_then_none(place, workers):
    """`ulimit -v` breaks one stage; without it the same command completes the workspace."""
    (place / "videos" / "broken.mp4").unlink()
    (place / "bad").unlink()
    arguments = list(map(str, words(place, config="big.yaml", workers=workers)))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.RLIM_INFINITY))

    def start(**options) -> subprocess.CompletedProcess:
        program = "from clipmill.cli import main; main()"
        source = Path(clipmill_package.__file__).parents[1]
        path = os.pathsep.join(map(str, (source, ROOT, ROOT / "support")))
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    first = start(preexec_fn=limit)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "probe: 3 videos in, 3 on" in first.stderr
    assert "3 postponed" in first.stderr and "memory 3" in first.stderr
    assert "Traceback" not in first.stderr
    second = start()
    assert second.returncode == 0, second.stdout + second.stderr
    assert "quality: 3 clips in, 3 on" in second.stderr
    (part,) = (place / "ws").glob("annotations/quality/*/part-*.parquet")
    assert pq.read_table(part)["status"].to_pylist() == ["ok"] * 3
