"""What goes to the terminal: nothing in it can steer the terminal.

Names of files, captions and error texts are others' words. Control characters, which move the
cursor, change the window's title or answer in the user's name, are shown as escapes.
"""

import re
import sys
from contextlib import suppress
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 but for tab and new line
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # direction and line marks
    "\ud800-\udfff]"  # bytes that were no UTF-8
)


def printable(text: str) -> str:
    """Return a text with control characters, and what is no Unicode, as visible escapes."""
    return _STEERING.sub(_escaped, text)


def name(text: str) -> str:
    """Return a name for a line of rich markup: one line, no markup, no control characters."""
    return escape(printable(text).replace("\n", "\\n").replace("\t", "\\t"))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte, as Python keeps it in a name
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class SafeConsole(Console):
    """A console whose strings are `printable`, wherever they stand."""

    def render_str(self, text: str, **options: Any) -> Text:
        """See `Console.render_str`."""
        return super().render_str(printable(text), **options)


def make_console(*, stderr: bool = False) -> Console:
    """Return the console of a command."""
    return SafeConsole(stderr=stderr)


def say(text: str, *, err: bool = False) -> None:
    """Print plain text, `printable`."""
    typer.echo(printable(text), err=err)


def tell_error(text: str) -> None:
    """Print an error; where even that cannot be written, the exit code has to do."""
    with suppress(OSError):
        make_console(stderr=True).print(
            f"[bold red]error:[/] {escape(text)}", highlight=False, soft_wrap=True
        )


def write_anything() -> None:
    """Let output go on where its encoding lacks a character."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
