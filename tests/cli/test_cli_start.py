"""The program starts without the libraries of its commands, and its help is theirs."""

import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from clipmill.cli.app import Commands, app

HEAVY = ("numpy", "pyarrow", "cv2", "av", "torch", "pydantic", "huggingface_hub", "onnxruntime")


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


@pytest.mark.parametrize("name", Commands.table)
def test_summaries_are_the_first_sentences_of_the_commands(name: str) -> None:
    group = get_command(app)
    assert isinstance(group, Commands)
    text = " ".join((group.load_all()[name].help or "").split())
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
