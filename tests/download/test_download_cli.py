"""The command: what it says, how it fails, what it draws."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import Result
from dataset_server import REPO, DataHub
from published import BOTH, PART0, contents, publish
from typer.testing import CliRunner
from weights_server import COMMIT, child_environment

from clipmill.cli.commands.download import app, parse_parts
from clipmill.config.models import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources import list_sources

COMMAND = (
    "import sys; from clipmill.cli import main; sys.argv[1:1] = ['download', 'openvid']; main()"
)


def command(hub: DataHub, tmp_path: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *options],
        env=child_environment(hub, tmp_path / "cache") | {"COLUMNS": "200"},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def invoke(*options: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["openvid", *options])


def test_the_command_fetches_and_the_manifest_is_a_source(hub: DataHub, tmp_path: Path):
    publish(hub)
    to = tmp_path / "to"
    command = ["openvid", "--to", str(to), "--parts", "0,1", "--where", "aesthetic score > 15"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "of the chosen videos 5 are here, 0 are missing" in result.output
    listing = list_sources([SourceConfig(path=str(to / "OpenVid.csv"))])
    assert [Path(video.uri).read_bytes() for video in listing.videos] == list(BOTH.values())[16:]
    assert listing.videos[0].text == 'a "v1_4.mp4",\nsaid'


def test_parts_are_read_as_lists_of_numbers():
    assert parse_parts("") is None
    assert parse_parts("0-2,7, 9-9") == {0, 1, 2, 7, 9}
    for wrong in ("x", "3-1", "1-", "-1", "1.5"):
        with pytest.raises(UsageError):
            parse_parts(wrong)


def test_the_examples_of_the_help_work(hub: DataHub, tmp_path: Path, monkeypatch):
    publish(hub)
    monkeypatch.chdir(tmp_path)
    told = invoke("--help").output
    examples = re.findall(r"clipmill download (openvid --.*?)\s*$", told, re.MULTILINE)
    assert len(examples) == 3
    for example in examples:
        ended = CliRunner().invoke(app, shlex.split(example))
        assert ended.exit_code == 0, f"{example}: {ended.output} {ended.exception!r}"
    for name in ("HF_ENDPOINT", "HF_TOKEN", "0,4,7-9"):
        assert name in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--parts", "9-3"), "--parts: '9-3' is no part; write e.g. 0-185 or 0,4,7-9"),
        (("--parts", "77"), "--parts: nkp37/OpenVid-1M has none of the parts asked for; it has 2"),
        (("--subset", "all"), "--subset: there is no 'all'; choose train or hd"),
        (("--where", "score >"), "--where cannot be read at 'score >'; write e.g."),
        (("--where", "score > 5"), "--where: the table has no column 'score'; there are: video"),
    ],
)
def test_errors_name_the_option_and_the_remedy(
    hub: DataHub, tmp_path: Path, options: tuple[str, str], told: str
):
    publish(hub)
    ended = invoke("--to", str(tmp_path / "to"), *options)
    assert isinstance(ended.exception, UsageError)
    assert told in str(ended.exception)


def test_a_folder_that_is_none_is_told(hub: DataHub, tmp_path: Path):
    (tmp_path / "to").write_text("a file")
    ended = command(hub, tmp_path, "--to", str(tmp_path / "to"))
    assert ended.returncode == 2
    assert f"--to: {tmp_path / 'to'} cannot be written" in ended.stderr


def test_an_unknown_revision_is_told(hub: DataHub, tmp_path: Path):
    publish(hub)
    ended = command(hub, tmp_path, "--to", str(tmp_path / "to"), "--revision", "v9")
    assert ended.returncode == 1
    assert "at v9 (404" in ended.stderr and "--revision" in ended.stderr


def test_the_environment_of_the_hub_s_library_is_obeyed(
    hub: DataHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(hub)
    to = str(tmp_path / "to")
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    ended = command(hub, tmp_path, "--to", to)
    assert ended.returncode == 2 and "offline" in ended.stderr
    assert hub.seen == []
    monkeypatch.delenv("TRANSFORMERS_OFFLINE")
    token = tmp_path / "token"
    token.write_text("stored")
    monkeypatch.setenv("HF_TOKEN_PATH", str(token))
    assert command(hub, tmp_path, "--to", to, "--dry-run").returncode == 0
    assert {seen.authorization for seen in hub.seen} == {"Bearer stored", ""}


def test_missing_videos_are_named(hub: DataHub, tmp_path: Path):
    publish(hub)
    ended = invoke("--to", str(tmp_path / "to"), "--parts", "0")
    assert ended.exit_code == 0
    assert f"of the chosen videos {len(PART0)} are here, 10 are missing" in ended.stdout
    assert re.search(r"missing: absent.mp4, v1_0.mp4, .* and 5 more, all in ", ended.stdout)
    assert len((tmp_path / "to" / "missing.txt").read_text().splitlines()) == 10


def test_a_dry_run_prints_the_cost_with_and_without_ranges(hub: DataHub, tmp_path: Path):
    publish(hub)
    options = ("--to", str(tmp_path / "to"), "--where", "aesthetic_score > 18", "--dry-run")
    told = invoke(*options).stdout
    assert re.search(r"to fetch: 2 videos, 0\.3 MB \(1\d\.\d% of the archives\) in 1 req", told)
    hub.ranges = False
    ended = invoke("--to", str(tmp_path / "other"), *options[2:])
    assert "2.8 MB (100.0% of the archives) in 4 requests" in ended.stdout
    assert "2 archives have to be fetched whole: 0.00 GB, one at a time" in ended.stderr


def test_the_report_as_json(hub: DataHub, tmp_path: Path):
    publish(hub)
    facts = json.loads(invoke("--to", str(tmp_path / "to"), "--json").stdout)
    assert (facts["commit"], facts["fetched"], facts["missing"]) == (COMMIT, len(BOTH), 1)
    assert facts["first_missing"] == ["absent.mp4"]
    files = hub.files[REPO]
    assert facts["archive_bytes"] == sum(len(files[name]) for name in files if "part" in name)


def test_a_terminal_shows_bytes_rate_and_time_left(hub: DataHub, tmp_path: Path):
    publish(hub)
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "--to", str(tmp_path / "to")],
        env=child_environment(hub, tmp_path / "cache") | {"TERM": "xterm", "COLUMNS": "120"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = b""
    while True:
        try:
            drawn += (block := os.read(ours, 65536))
        except OSError:  # the other side is closed: Linux
            break
        if not block:
            break
    os.close(ours)
    assert child.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode())
    assert re.search(r"videos ━+ (\d\.\d)/\1 MB \S.* 0:00:00", text)


def test_a_silent_server_is_left_after_the_time_of_the_environment(
    hub: DataHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(hub)
    # Every answer stops in the middle and stays open.
    hub.hold, hub.hold_after = threading.Event(), 700_000
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1")
    ended = command(hub, tmp_path, "--to", str(tmp_path / "to"), "--parts", "0")
    assert ended.returncode == 0
    assert "did not answer in time (HF_HUB_DOWNLOAD_TIMEOUT); going on where" in ended.stderr
    assert contents(tmp_path / "to") == PART0


def test_ctrl_c_keeps_what_is_finished(hub: DataHub, tmp_path: Path):
    publish(hub)
    # The archive never ends, so that the process is still at it whenever the signal is noticed.
    hub.hold, hub.hold_after, hub.trickles = threading.Event(), 700_000, True
    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "--to", str(tmp_path / "to"), "--parts", "0"],
        env=child_environment(hub, tmp_path / "cache"),
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background makes them ignore Ctrl-C, children included.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert hub.held.wait(60)
    journal = tmp_path / "to" / ".openvid" / "journal.jsonl"
    while not (journal.exists() and journal.read_text().count("\n") >= 3):
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    told = child.communicate(timeout=60)[1]
    hub.hold.set()
    hub.hold, hub.trickles = None, False
    assert child.returncode == 130
    assert "run the same command again" in told and "Traceback" not in told
    kept = contents(tmp_path / "to")
    assert len(kept) >= 3
    ended = invoke("--to", str(tmp_path / "to"), "--parts", "0", "--json")
    assert json.loads(ended.stdout)["here_before"] >= len(kept) - 1
    assert contents(tmp_path / "to") == PART0
