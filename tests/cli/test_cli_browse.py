"""`clipmill browse` as a user starts and ends it."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tiny_run import make_tiny_run


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_tiny_run(tmp_path_factory.mktemp("tiny")).root


def start(*words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "clipmill", "browse", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def address_in(child: "subprocess.Popen[str]") -> str:
    text = ""
    while not (match := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", text)):
        line = child.stdout.readline()
        assert line, text
        text += line
    return match[0]


def test_ctrl_c_ends_it(workspace):
    child = start("-w", workspace, "--port", "0", "--no-open", "--read-only")
    try:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert b"(read-only)" in opener.open(address_in(child), timeout=60).read()
        child.send_signal(signal.SIGINT)
        rest, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode in (0, 130)
    assert "Traceback" not in rest
    assert not list(Path(workspace).glob("media"))


def test_open_opens_the_address(workspace, tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}.part && mv {seen}.part {seen}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    child = start("-w", workspace, "--port", "0", "--open")
    try:
        address = address_in(child)
        for _ in range(600):
            if seen.exists():
                break
            try:
                child.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        assert seen.read_text().strip() == address
    finally:
        child.kill()
        child.wait()


def test_a_workspace_without_a_run_is_refused(tmp_path):
    child = start("-w", str(tmp_path / "none"), "--no-open")
    text, _ = child.communicate(timeout=60)
    assert child.returncode == 2
    assert "no clipmill workspace" in text
