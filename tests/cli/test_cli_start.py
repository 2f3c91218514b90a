"""The program starts without the libraries of its commands, and its help is theirs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pipelines import pipeline_on, run
from typer import Context
from typer.main import get_command
from typer.testing import CliRunner

import clipmill as clipmill_package
from clipmill.cli.app import Commands, app
from media import make_clip

HEAVY = (
    *("numpy", "pyarrow", "cv2", "av", "torch", "pydantic", "huggingface_hub", "onnxruntime"),
    *("fsspec", "scipy", "pandas"),
)


def loaded_by(*arguments: str) -> set[str]:
    """Return which of the heavy libraries are imported when the program is called."""
    code = (
        "import sys\n"
        "from clipmill.cli import main\n"
        f"sys.argv = ['clipmill', *{list(arguments)!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded', *[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ended.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_version_and_help_load_no_library(argument: str) -> None:
    assert loaded_by(argument) == set()


@pytest.mark.parametrize("words", [("why", "one.mp4"), ("status",)], ids=lambda words: words[0])
def test_looking_loads_nothing_that_decodes(tmp_path: Path, words: tuple[str, ...]) -> None:
    make_clip(tmp_path / "videos" / "one.mp4", size=(64, 48), frames=20)
    pipeline = pipeline_on(tmp_path / "videos", "name: p\nsteps:\n  - annotate: probe\n")
    run(pipeline, tmp_path / "ws")
    assert loaded_by(*words, "-w", str(tmp_path / "ws")) == {"numpy", "pyarrow", "pydantic"}


@pytest.mark.parametrize("name", Commands.table)
def test_summaries_are_the_first_sentences_of_the_commands(name: str) -> None:
    group = get_command(app)
    assert isinstance(group, Commands)
    _, command, _ = group.resolve_command(Context(group), [name])
    text = " ".join((command.help or "").split())
    assert text.startswith(Commands.table[name].summary)


def test_all_commands_stand_in_the_help_and_answer_it() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output
    for name in Commands.table:
        assert f" {name} " in listed
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def test_a_wrong_command_names_a_near_one() -> None:
    ended = CliRunner().invoke(app, ["exprot"])
    assert ended.exit_code == 2
    assert "export" in ended.output


def completed(*words: str) -> list[str]:
    """Return what bash would offer after these words."""
    done = subprocess.run(
        [sys.executable, "-c", "from clipmill.cli import main; main()"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "PYTHONPATH": str(Path(clipmill_package.__file__).parents[1]),
            "_CLIPMILL_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["clipmill", *words]),
            "COMP_CWORD": str(len(words)),
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_shell_completes_commands_and_options() -> None:
    assert completed("sta") == ["status"]
    assert set(completed("")) >= set(Commands.table) - {""}
    assert completed("models", "pu") == ["pull"]
    assert completed("run", "--dry") == ["--dry-run"]


def test_run_without_any_word_is_wrong_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from clipmill.cli import main; main()", "run"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(clipmill_package.__file__).parents[1])},
    )
    assert done.returncode == 2
    assert "no videos to run on" in done.stderr


def test_the_script_of_a_shell_can_be_had(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m clipmill --show-completion; exit $?"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(clipmill_package.__file__).parents[1])},
    )
    assert "_CLIPMILL_COMPLETE=complete_bash" in done.stdout, done.stderr
