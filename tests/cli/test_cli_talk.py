"""What a run says, and where: `-q`, `-v`, progress on stderr, the log in the workspace."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pipelines import BASIC
from programs import completed
from small_disks import fill, small_disk
from terminals import on_a_terminal

import clipmill as clipmill_package
from clipmill.cli.output.logs import KEPT, begin, end, log_command, open_log, without_secrets
from clipmill.cli.output.progress import time_text
from media import make_clip

PROGRAM = "from clipmill.cli import main; main()"
SOURCE = str(Path(clipmill_package.__file__).parents[1])
ENVIRONMENT = os.environ | {"PYTHONPATH": SOURCE, "COLUMNS": "120"}
RECORD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \w+ clipmill")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("talk")
    make_clip(folder / "videos" / "good.mp4", size=(480, 320), frames=105)
    (folder / "videos" / "broken.mp4").write_text("no video")
    (folder / "p.yaml").write_text(BASIC)
    return folder


def words(shelf: Path, workspace: Path, *more: object) -> list[str]:
    given = ["-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", workspace, "-j", 0, *more]
    return ["run", *map(str, given)]


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with pipes, in a process of its own."""
    return completed(*arguments, env=ENVIRONMENT)


@pytest.fixture
def program(clipmill):
    """The same in this process, where everything is imported."""

    def invoke(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(arguments, *clipmill(*arguments))

    return invoke


def logs(workspace: Path) -> list[Path]:
    return sorted((workspace / "logs").iterdir())


def test_progress_goes_to_stderr_and_the_result_to_stdout(shelf, tmp_path):
    done = process(*words(shelf, tmp_path / "ws"))
    assert done.returncode == 0, done.stderr
    assert "1 failed" in done.stdout and "clips in" not in done.stdout
    for step in ("source: 2 videos in", "probe: 2 videos in", "shot split: 1 clips in"):
        assert step in done.stderr
    (log,) = logs(tmp_path / "ws")
    assert f"log: {log}\n" in done.stderr


def test_the_log_tells_the_run_from_its_command_to_its_end(program, shelf, tmp_path):
    given = words(shelf, tmp_path / "ws")
    program(*given)
    lines = logs(tmp_path / "ws")[0].read_text().splitlines()
    assert all(RECORD.match(line) or line.startswith("    ") for line in lines)
    text = "\n".join(lines)
    assert f"command: clipmill {' '.join(given)}" in lines[0]
    assert "probe begins: 2 reached it, 2 to compute" in text
    assert "failed: decode: " in text
    assert re.search(r"shots \[[0-9a-f]{16}\]: 1 clips in, 1 on", text)
    assert lines[-1].endswith("INFO clipmill.run: done")


def test_quiet_says_only_what_went_wrong(program, shelf, tmp_path):
    for place in (("-q", *words(shelf, tmp_path / "a")), (*words(shelf, tmp_path / "b"), "-q")):
        done = program(*place)
        assert done.returncode == 0
        assert done.stderr == ""
        assert done.stdout.startswith("failed: 1 by a fault of their own")
        assert "look at them" not in done.stdout
    assert logs(tmp_path / "a") and logs(tmp_path / "b")
    (shelf / "videos" / "broken.mp4").rename(shelf / "broken.mp4")
    try:
        done = program(*words(shelf, tmp_path / "c", "--quiet"))
    finally:
        (shelf / "broken.mp4").rename(shelf / "videos" / "broken.mp4")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verbose_says_what_the_log_says(shelf, tmp_path):
    done = process(*words(shelf, tmp_path / "ws", "-v"))
    assert "INFO probe begins: 2 reached it, 2 to compute" in done.stderr
    assert "DEBUG" not in done.stderr
    done = process("-vv", *words(shelf, tmp_path / "ws", "--retry-failed"))
    assert "DEBUG committed 1 rows, 1 of 1" in done.stderr


@pytest.mark.parametrize("command", ["status", "why", "export", "models", "download"])
def test_every_command_takes_them(clipmill, command):
    more = {"export": ["plain"], "models": ["list"], "download": ["openvid"]}.get(command, [])
    help_ = clipmill(command, *more, "--help")[1]
    assert "--quiet" in help_ and "--verbose" in help_


def test_a_refused_run_leaves_no_log(program, shelf, tmp_path):
    (tmp_path / "ws").mkdir()
    done = program(*words(tmp_path, tmp_path / "ws"))
    assert done.returncode == 2
    assert not (tmp_path / "ws" / "logs").exists()


def test_a_run_that_stops_says_why_in_its_log(shelf, tmp_path):
    workspace = tmp_path / "ws"
    process(*words(shelf, workspace))
    (part,) = workspace.glob("annotations/shots/*/part-*.parquet")
    part.write_bytes(part.read_bytes()[:100])
    done = process(*words(shelf, workspace))
    assert done.returncode == 1
    assert f"log: {logs(workspace)[-1]}\n" in done.stderr
    text = logs(workspace)[-1].read_text()
    assert "INFO clipmill.run: stopped: CorruptFileError: " in text
    assert "    Traceback (most recent call last):" in text


def test_old_logs_make_room(program, shelf, tmp_path):
    folder = tmp_path / "ws" / "logs"
    folder.mkdir(parents=True)
    for number in range(KEPT + 5):
        (folder / f"run-20200101T0000{number:02d}Z-1.log").touch()
    (folder / "mine.log").touch()
    program(*words(shelf, tmp_path / "ws"))
    names = [path.name for path in logs(tmp_path / "ws")]
    assert "mine.log" in names
    assert len(names) == KEPT + 1
    assert "run-20200101T000024Z-1.log" in names and "run-20200101T000000Z-1.log" not in names


def test_nothing_in_a_log_passes_for_a_record_or_steers(program, shelf, tmp_path):
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "a\x1b[2J\n2026-01-01T00:00:00Z INFO clipmill: done.mp4").write_text("no video")
    program(*words(tmp_path, tmp_path / "ws", "-c", shelf / "p.yaml"))
    (log,) = logs(tmp_path / "ws")
    text = log.read_bytes().decode()
    assert "\x1b" not in text
    assert "\n2026-01-01" not in text


def test_a_disk_that_is_full_costs_the_log_only(shelf, tmp_path):
    with small_disk(tmp_path / "disk", size="24m") as disk:
        workspace = disk / "ws"
        assert process(*words(shelf, workspace)).returncode == 0
        (workspace / "logs").rename(workspace / "before")
        (workspace / "logs").write_text("in the way")
        fill(disk, leave=64 << 10)
        done = process(*words(shelf, workspace))
        assert "no log of this run" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_terminal_shows_the_step_and_the_whole_run(shelf, tmp_path):
    command = [sys.executable, "-c", PROGRAM, *words(shelf, tmp_path / "ws")]
    code, text, out = on_a_terminal(command, ENVIRONMENT | {"TERM": "xterm"}, pipe=True)
    assert code == 0, text
    assert "whole run" in text and re.search(r"step \d/6", text)
    assert "whole run" not in out and "\x1b" not in out


def test_times_are_told_in_two_units():
    told = [time_text(seconds) for seconds in (0.4, 59.6, 200, 18_120, 200_000)]
    assert told == ["0 s", "1 min 0 s", "3 min 20 s", "5 h 2 min", "2 d 7 h"]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("see http://me:p%40ss@host:8000/v1?page=2", "see http://me:***@host:8000/v1?page=2"),
        ("s3://b/k?X-Amz-Signature=ab12&part=1", "s3://b/k?X-Amz-Signature=***&part=1"),
        ("'http://:hidden@h/a?access_token=xyz'", "'http://:***@h/a?access_token=***'"),
        ("http://host:8000/a@b and me@example.org", "http://host:8000/a@b and me@example.org"),
    ],
)
def test_no_password_is_written_to_a_log(said, written):
    assert without_secrets(said) == written


def test_the_command_in_a_log_hides_passwords(tmp_path, monkeypatch):
    given = ["clipmill", "run", "--set", "caption.base_url=http://me:hidden@127.0.0.1:9/v1"]
    monkeypatch.setattr(sys, "argv", given)
    begin()
    try:
        log = open_log(tmp_path)
        log_command()
    finally:
        end()
    assert log is not None
    text = log.read_text()
    assert "caption.base_url=http://me:***@127.0.0.1:9/v1" in text
    assert "hidden" not in text
