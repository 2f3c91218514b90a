"""Captions through `transformers serve`, a real OpenAI-compatible server, that dies half-way."""

import importlib.util
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pipelines import pipeline_on, run
from tiny_models import SENTENCE

from clipmill.annotations.base import Backend
from clipmill.annotations.caption.openai import OpenAICaption
from clipmill.annotations.objects.schema import ObjectsRow
from clipmill.errors import UsageError
from clipmill.store.workspace import Workspace
from media import copy_clip, make_clip

_NEEDED = ("torch", "transformers", "openai", "fastapi", "uvicorn")
_MISSING = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(_MISSING), reason=f"needs {', '.join(_MISSING)} for `transformers serve`"
)

PIPELINE = """
name: served
steps:
  - annotate: probe
  - annotate: objects
    backend: test_caption_served:NoObjects
  - annotate: caption
    backend: test_caption_served:Watched
    config: {model: MODEL, retries: 1, long_side: 84, every: 8, concurrency: 1}
    batch_size: 1
"""


class NoObjects(Backend):
    """Sees nothing anywhere."""

    annotation = "objects"
    name = "none"
    Row = ObjectsRow

    def load(self, item):
        return item

    def annotate(self, batch):
        return [ObjectsRow((), 0, 0) for _ in batch]


class Watched(OpenAICaption):
    """Ends the server after a number of answers."""

    server: subprocess.Popen | None = None
    answers_left = 10**6

    def ask(self, questions):
        answers = super().ask(questions)
        cls = type(self)
        cls.answers_left -= len(questions)
        if cls.answers_left <= 0 and cls.server is not None:
            stop(cls.server)
            cls.server = None
        return answers


def start(model: Path, port: int) -> subprocess.Popen:
    """Start the server and wait until it says that it listens."""
    program = "from transformers.cli.transformers import main; main()"
    arguments = ["serve", str(model), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    said = []
    assert server.stdout is not None
    for line in server.stdout:
        said.append(line)
        if "running on" in line:
            return server
    raise AssertionError(f"the server did not start:\n{''.join(said)}")


def stop(server: subprocess.Popen) -> None:
    server.kill()
    server.wait()
    if server.stdout is not None:
        server.stdout.close()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def captions(workspace: Path) -> tuple[list[str], list[str]]:
    """Return the texts and the errors that a workspace holds."""
    import pyarrow.parquet as pq

    rows = [
        row
        for path in (workspace / "annotations" / "caption").rglob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    good = [row["captions"][0]["text"] for row in rows if row["status"] == "ok"]
    return good, [row["error"] for row in rows if row["status"] == "failed"]


def test_the_server_dies_half_way_and_the_rest_is_retried(tiny_model, tmp_path, monkeypatch):
    model = tiny_model("qwen")
    first = make_clip(tmp_path / "videos" / "v0.mp4", frames=20)
    for number in range(1, 4):
        copy_clip(first, tmp_path / "videos" / f"v{number}.mp4")
    pipeline = pipeline_on(tmp_path / "videos", PIPELINE.replace("MODEL", str(model)))
    port = free_port()
    # Where a server listens is no part of what its answers depend on.
    monkeypatch.setenv("CLIPMILL_CAPTION_URL", f"http://127.0.0.1:{port}/v1")
    Watched.server, Watched.answers_left = start(model, port), 2
    try:
        summary = run(pipeline, tmp_path / "work")
    finally:
        if Watched.server is not None:
            stop(Watched.server)
    good, failed = captions(tmp_path / "work")
    assert good == [SENTENCE] * 2
    assert len(failed) == summary.postponed == 2
    assert summary.postponed_kinds == {"server": 2}
    assert summary.failed == 0
    assert all("cannot be reached" in text and "run again" in text for text in failed)

    # The server is still away: that is told before any work, and no clip is blamed.
    with pytest.raises(UsageError, match=r"caption .*does not answer"):
        run(pipeline, tmp_path / "work")
    assert len(captions(tmp_path / "work")[1]) == 2

    Watched.server = start(model, port)
    Watched.answers_left = 10**6
    try:
        summary = run(pipeline, tmp_path / "work")
    finally:
        stop(Watched.server)
        Watched.server = None
    assert summary.failed == 0
    assert summary.computed["caption"] == 2
    assert Workspace.open(tmp_path / "work")
    assert captions(tmp_path / "work") == ([SENTENCE] * 4, [])
