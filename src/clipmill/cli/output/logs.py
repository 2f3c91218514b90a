"""Logging of the program: to stderr as `-q` and `-v` say, and to a file of each run."""

import logging
import os
import platform
import re
import shlex
import sys
import time
from contextlib import suppress
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import ClassVar

from clipmill import __version__
from clipmill.cli.output import verbosity
from clipmill.cli.output.console import printable, say

FOLDER = "logs"
KEPT = 20
"""Logs of a workspace; older ones go when a run begins."""

WORKERS = "clipmill.engine.processes.last_words"
"""Logger of what worker processes write on stderr, which is on stderr already."""

SHOWN = "clipmill.run.shown"
"""Logger of what the progress of a run shows already."""

_HELD = 1000
"""Records held until the file is there; no run says as much before it has listed its videos."""

_LEVELS = {
    verbosity.QUIET: logging.WARNING,
    verbosity.NORMAL: logging.WARNING,
    verbosity.VERBOSE: logging.INFO,
    verbosity.DEBUG: logging.DEBUG,
}
_log = logging.getLogger("clipmill")

_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]+@")
_SIGNED = re.compile(
    r"(?i)([?&][^=&\s]*(?:signature|token|key|password|secret)[^=&\s]*=)[^&\s'\"]+"
)


def without_secrets(text: str) -> str:
    """Return a text with `***` for the passwords and signatures of addresses in it.

    Logs are sent to colleagues and attached to bug reports; what opens a server is not for them.
    """
    return _SIGNED.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))


class _Lines(logging.Formatter):
    """Records that begin a line each, so that no text in one can pass for another record.

    They hold no control characters, so reading the file changes no terminal.
    """

    converter = staticmethod(time.gmtime)  # type: ignore[assignment]

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        text = without_secrets(super().format(record))
        return printable(text).replace("\n", "\n    ")


class _Stderr(logging.Handler):
    """Says records on stderr, above the bars where there are some."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        level = _LEVELS[verbosity.level()]
        if record.levelno >= level and record.name not in (WORKERS, SHOWN):
            with suppress(OSError):
                say(self.format(record), err=True)


class _File(logging.FileHandler):
    """A log that is no reason for a run to end: on a full disk it ends by itself."""

    def handleError(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.handleError`."""


class _Handlers:
    """Handlers of this call of the program."""

    installed: ClassVar[list[logging.Handler]] = []


def begin() -> None:
    """Set logging up for a call of the program."""
    verbosity.reset()
    end()
    stderr = _Stderr()
    stderr.setFormatter(_Lines("%(levelname)s %(message)s"))
    held = MemoryHandler(_HELD, flushLevel=logging.CRITICAL + 1)
    _Handlers.installed += [stderr, held]
    _log.setLevel(logging.DEBUG)
    for handler in _Handlers.installed:
        _log.addHandler(handler)


def end() -> None:
    """Close the handlers of the last call."""
    for handler in _Handlers.installed:
        _log.removeHandler(handler)
        handler.close()
    _Handlers.installed.clear()


def open_log(folder: Path) -> Path | None:
    """Write everything from here on, and what was said before, to a new file in a folder.

    Call it under the lock of the workspace: the oldest logs beyond the last `KEPT` are removed.

    Returns:
        The file; None where none can be written, which is warned of.
    """
    path = folder / f"run-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("run-*.log"))[: 1 - KEPT]:
            old.unlink()
        file = _File(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        _log.warning("no log of this run: %s: %s", folder, error.strerror or error)
        return None
    file.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s: %(message)s", _TIME))
    file.setLevel(logging.DEBUG)
    for handler in _Handlers.installed:
        if isinstance(handler, MemoryHandler):
            handler.setTarget(file)
            handler.flush()
            _log.removeHandler(handler)
    _Handlers.installed.append(file)
    _log.addHandler(file)
    return path


_TIME = "%Y-%m-%dT%H:%M:%SZ"


def log_command() -> None:
    """Log what was called, where, and with which version."""
    _log.info("command: %s", shlex.join(["clipmill", *sys.argv[1:]]))
    _log.info(
        "clipmill %s, Python %s, %s, in %s",
        __version__,
        platform.python_version(),
        platform.platform(),
        Path.cwd(),
    )
