"""Tables and answers as scripts get them: in real pipes, whole, without boxes, with a version."""

import json
import os
import sys
from pathlib import Path

import pytest
from pipelines import BASIC, pipeline_on, run
from programs import completed
from terminals import on_a_terminal

import clipmill as clipmill_package
from media import make_clip

PROGRAM = "from clipmill.cli import main; main()"
LONG = "a folder with a long name/" * 6 + "a video with a long name too [bold].mp4"


def environment(**more: str) -> dict[str, str]:
    source = str(Path(clipmill_package.__file__).parents[1])
    return os.environ | {"PYTHONPATH": source, "COLUMNS": "60"} | more


def piped(*arguments: object, **more: str) -> str:
    """Run the program into a pipe; returns what comes out."""
    done = completed(*arguments, env=environment(**more))
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown_on_a_terminal(*arguments: object) -> str:
    """Run the program on a terminal; returns what it shows."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    shown = on_a_terminal(command, environment())
    assert shown.code == 0, shown.terminal
    return shown.terminal


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """A workspace with a video of a long name, one that is too short and one that is broken."""
    folder = tmp_path_factory.mktemp("tables")
    make_clip(folder / "videos" / LONG, size=(480, 320), frames=105)
    make_clip(folder / "videos" / "short.mp4", size=(480, 320), frames=20)
    (folder / "videos" / "broken.mp4").write_text("no video")
    run(pipeline_on(folder / "videos", BASIC), folder / "ws")
    return folder / "ws"


@pytest.mark.parametrize(
    "command", [["status"], ["failed"], ["why", LONG], ["backends"], ["models", "list"]]
)
def test_a_piped_table_has_no_box_and_nothing_is_cut(done, command):
    if command[0] in ("status", "failed", "why"):
        command = [*command, "-w", done]
    for more in ({}, {"FORCE_COLOR": "1"}):
        text = piped(*command, **more)
        assert not set("┃│─━┏┗…\x1b") & set(text.replace("\x1b[1m", "").replace("\x1b[0m", ""))


def test_the_cells_of_a_piped_table_are_whole_and_in_columns(done):
    (story,) = json.loads(piped("why", LONG, "-w", done, "--json"))["stories"]
    assert story["path"] == LONG
    failures = piped("failed", "-w", done).splitlines()
    (line,) = [line for line in failures if "broken.mp4" in line]
    (entry,) = json.loads(piped("failed", "-w", done, "--json"))["failures"]
    assert entry["key"] in line and entry["error"].replace("\n", "; ") in line
    lines = piped("status", "-w", done).splitlines()
    header = next(at for at, text in enumerate(lines) if text.startswith("step "))
    rows = [text.split("  ") for text in lines[header : lines.index("rates")]]
    rows = [[cell for cell in row if cell.strip()] for row in rows]
    assert {len(row) for row in rows} == {7}
    assert [cell.strip() for cell in rows[3]] == [
        "basic selection", "2", "1", "-", "-", "1", "1 x too_few_frames",
    ]  # fmt: skip


def test_a_terminal_gets_a_drawn_table(done):
    assert "┏━" in shown_on_a_terminal("status", "-w", done)


LOOKING = {
    ("status",): "steps",
    ("why", "short.mp4"): "stories",
    ("failed",): "failures",
    ("check",): "damages",
    ("report", "--gallery", "1"): "page",
    ("backends",): "backends",
    ("models", "list"): "models",
    ("models", "verify"): "models",
}


@pytest.mark.parametrize("command", LOOKING, ids=str)
def test_every_command_that_looks_answers_scripts_with_a_version(done, command, tmp_path):
    away = ["-w", done] if command[0] not in ("backends", "models") else []
    if command[0] == "report":
        away += ["-o", tmp_path]
    text = piped(*command, *away, "--json", CLIPMILL_WEIGHTS_DIR=str(tmp_path / "none"))
    answer = json.loads(text)
    assert (answer["command"], answer["version"]) == (
        " ".join(command[: 1 + (command[0] == "models")]),
        1,
    )
    assert LOOKING[command] in answer
