"""Programs on a terminal."""

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Shown(NamedTuple):
    """What a program left.

    Attributes:
        code: Its exit code.
        terminal: What the terminal showed.
        out: What came out of a pipe in place of stdout.
    """

    code: int
    terminal: str
    out: str


def on_a_terminal(
    command: Sequence[str], environment: Mapping[str, str], *, pipe: bool = False
) -> Shown:
    """Run a program on a terminal.

    Args:
        command: The program with its arguments.
        environment: All variables.
        pipe: Whether stdout is a pipe, and only stderr the terminal.
    """
    ours, theirs = pty.openpty()
    stdout = subprocess.PIPE if pipe else theirs
    with subprocess.Popen(command, stdout=stdout, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 65536):
                shown += data
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        out = process.stdout.read() if process.stdout else b""
    return Shown(process.returncode, shown.decode(), out.decode())
