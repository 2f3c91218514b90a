"""`clipmill models` as processes: two at once, one killed, offline, by hand."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

from typer.testing import CliRunner
from weights_server import Hub, child_environment, random_bytes, sha256

from clipmill.cli.commands.models import app
from clipmill.disk import ChecksumError
from clipmill.errors import UsageError
from clipmill.weights import REGISTRY, find_weights
from clipmill.weights.cache import Cache

REPO = REGISTRY["vggt4track"].hub_repo
SIZE = 2_000_000
CONTENT = random_bytes(SIZE)
PROGRAM = [sys.executable, "-c", "from clipmill.cli.commands.models import app; app()"]


def start(hub: Hub, cache: Cache, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *words],
        env=child_environment(hub, cache.root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_download_once(hub: Hub, cache: Cache):
    hub.files = {REPO: {"model.safetensors": CONTENT}}
    hub.hold, hub.hold_after = threading.Event(), 700_000
    first = start(hub, cache, "pull", "vggt4track")
    assert hub.held.wait(60)
    second = start(hub, cache, "pull", "vggt4track")
    # The first is in the middle of the file when the second says that it waits.
    assert "non-commercial" in second.stderr.readline()
    line = second.stderr.readline()
    assert "another process is fetching it; waiting" in line
    hub.hold.set()
    for process in (first, second):
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert str(cache.root / "vggt4track") in out
    assert "fetched by another process meanwhile" in err
    assert len(hub.bodies()) == 1
    assert hub.sent() == SIZE
    assert (cache.root / "vggt4track" / "model.safetensors").read_bytes() == CONTENT


def test_a_killed_pull_is_taken_up_by_the_next(hub: Hub, cache: Cache):
    hub.files = {REPO: {"model.safetensors": CONTENT}}
    hub.hold, hub.hold_after = threading.Event(), 1_200_000
    process = start(hub, cache, "pull", "vggt4track")
    assert hub.held.wait(60)
    # The line is printed after that much was written.
    while not re.search(r" [4-9]\d%", line := process.stderr.readline()):
        assert line, "the process ended before it was killed"
    process.kill()
    process.communicate()
    hub.hold.set()
    hub.hold = None
    hub.seen.clear()
    done = start(hub, cache, "pull", "vggt4track")
    _, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    assert (cache.root / "vggt4track" / "model.safetensors").read_bytes() == CONTENT
    (seen,) = hub.bodies()
    assert int(seen.range[6:-1]) >= 700_000
    assert hub.sent() <= SIZE - 700_000


def test_a_pull_without_a_terminal_prints_plain_lines(hub: Hub, cache: Cache):
    hub.files = {REPO: {"model.safetensors": CONTENT}}
    result = CliRunner().invoke(app, ["pull", "vggt4track"])
    assert result.exit_code == 0
    licence, *lines = result.stderr.splitlines()
    assert licence.startswith("vggt4track: non-commercial licence: ")
    assert lines[0] == "vggt4track/model.safetensors: 2.0 MB"
    assert lines[-1] == "vggt4track/model.safetensors: verified"
    assert len(lines) - 2 == 10
    assert any("MB/s" in line and "s left" in line for line in lines)
    assert "\x1b" not in result.output
    assert result.stdout == f"vggt4track: {find_weights('vggt4track')}\n"


def test_a_non_commercial_licence_is_told(hub: Hub, cache: Cache, tmp_path: Path):
    file = tmp_path / "scaled_offline.pth"
    file.write_bytes(b"not it")
    result = CliRunner().invoke(app, ["pull", "cotracker3", "--from", str(file)])
    assert isinstance(result.exception, ChecksumError)
    assert "non-commercial licence: CC-BY-NC-4.0" in result.stderr
    assert hub.seen == []


def test_a_wrong_file_for_autoshot_is_refused(cache: Cache, tmp_path: Path):
    file = tmp_path / "ckpt_0_200_0.pth"
    file.write_bytes(CONTENT)
    result = CliRunner().invoke(app, ["pull", "autoshot", "--from", str(file)])
    assert isinstance(result.exception, ChecksumError)
    assert sha256(CONTENT) in str(result.exception)
    assert REGISTRY["autoshot"].sha256 in str(result.exception)


def test_verify_tells_good_bad_and_missing(hub: Hub, cache: Cache):
    hub.files = {REPO: {"model.safetensors": CONTENT}}
    runner = CliRunner()
    assert "no weights in" in runner.invoke(app, ["verify"]).stdout
    runner.invoke(app, ["pull", "vggt4track"])
    good = runner.invoke(app, ["verify"])
    assert good.exit_code == 0
    assert good.stdout == "vggt4track: good: 1 files, 2.0 MB, first checked against: hub\n"
    (cache.root / "vggt4track" / "model.safetensors").write_bytes(CONTENT[1:])
    bad = runner.invoke(app, ["verify", "vggt4track", "sam2"])
    assert bad.exit_code == 1
    assert "vggt4track: BAD: " in bad.stdout
    assert "sam2: missing: " in bad.stdout


def test_the_list_names_licences_pins_and_what_is_here(hub: Hub, cache: Cache):
    hub.files = {REPO: {"model.safetensors": CONTENT}}
    runner = CliRunner()
    runner.invoke(app, ["pull", "vggt4track"])
    answer = json.loads(runner.invoke(app, ["list", "--json"]).stdout)
    rows = {row["name"]: row for row in answer["models"]}
    assert set(rows) == set(REGISTRY)
    assert rows["vggt4track"]["here"] == "yes"
    assert rows["vggt4track"]["pinned"] == "not pinned yet"
    assert rows["autoshot"]["here"] == "no"
    assert rows["autoshot"]["pinned"] == "sha256"
    assert rows["cotracker3"]["non_commercial"] is True
    table = runner.invoke(app, ["list"], env={"COLUMNS": "140"}).stdout
    for name in REGISTRY:
        assert name in table
    assert "not pinned yet" in table


def test_wrong_words_are_usage_errors(cache: Cache):
    runner = CliRunner()
    assert "which model?" in str(runner.invoke(app, ["pull"]).exception)
    assert "unknown model 'x'" in str(runner.invoke(app, ["pull", "x"]).exception)
    two = runner.invoke(app, ["pull", "sam2", "vggt4track", "--from", "/"])
    assert "--from takes one model" in str(two.exception)


def test_a_profile_is_fetched_by_one_command_that_goes_past_failures(
    hub: Hub, cache: Cache, tmp_path: Path
):
    hub.files = {REPO: {"model.safetensors": CONTENT}}
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "name: x\nsteps:\n  - annotate: probe\n  - {annotate: shots, backend: autoshot}\n"
        "  - {annotate: camera, backend: vggt4track}\n"
    )
    result = CliRunner().invoke(app, ["pull", "--config", str(mine)])
    assert result.exit_code == 1
    assert (cache.root / "vggt4track" / "model.safetensors").read_bytes() == CONTENT
    assert "not fetched: " in result.stderr and "AutoShot" in result.stderr
    assert "1 of 2 models are missing" in result.stderr
    mine.write_text(mine.read_text().replace("  - {annotate: shots, backend: autoshot}\n", ""))
    assert CliRunner().invoke(app, ["pull", "--config", str(mine)]).exit_code == 0


def test_pull_takes_one_way_of_choosing(hub: Hub, cache: Cache):
    result = CliRunner().invoke(app, ["pull", "--profile", "embedded"])
    assert result.exit_code == 0 and "embedded needs no weights" in result.stdout
    result = CliRunner().invoke(app, ["pull", "vggt4track", "--profile", "frameino"])
    assert isinstance(result.exception, UsageError) and "one of them" in str(result.exception)
    assert not hub.seen
