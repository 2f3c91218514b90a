"""The program in processes of its own, forked from one that has imported everything.

They are as real as those that a shell starts: own pipes, working directory, environment, process
group and exit code, and they die of signals. But starting Python and importing the libraries
costs most of a second of computing, which tests that start dozens need to pay once only. What
happens at the start itself is tested with `python -m clipmill`.
"""

import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(
    ["clipmill.cli.app", "clipmill.cli.commands.run", "clipmill.pipeline.run", "av", "cv2"]
)


class Program:
    """A run of `clipmill`; methods are those of `subprocess.Popen`.

    Args:
        arguments: Words of the command.
        cwd: Its working directory.
        env: Its environment.
        paths: Folders to import from, also by processes that it starts.
        apart: Keep stderr out of stdout.
    """

    def __init__(
        self,
        *arguments: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        paths: tuple[Path, ...] = (),
        apart: bool = False,
    ) -> None:
        pipes = [_forking.Pipe(duplex=False) for _ in range(1 + apart)]
        files = [os.fdopen(os.dup(ours.fileno()), encoding="utf-8") for ours, _ in pipes]
        self.stdout, self.stderr = files[0], (files[1] if apart else None)
        given = dict(os.environ if env is None else env)
        words = [str(argument) for argument in arguments]
        theirs = [end for _, end in pipes]
        place = str(cwd or Path.cwd())
        self._process = _forking.Process(
            target=_run, args=(theirs, words, place, given, list(map(str, paths)))
        )
        self._process.start()
        for end in itertools.chain(*pipes):
            end.close()
        assert self._process.pid
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, or the signal that ended it, below 0."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, if it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raises TimeoutExpired."""
        if not wait([self._process.sentinel], timeout):
            raise subprocess.TimeoutExpired("clipmill", timeout or 0)
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def kill(self) -> None:
        """End it with SIGKILL, if it has not ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end and return what it said; not for more than a pipe holds."""
        self.wait(timeout)
        return self.stdout.read(), self.stderr.read() if self.stderr else ""


def completed(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with pipes for stdout and stderr; takes what `Program` takes."""
    program = Program(*arguments, **more, apart=True)
    out, err = program.communicate(timeout=600)
    return subprocess.CompletedProcess(arguments, program.wait(), out, err)


def _run(
    outputs: list[Connection], words: list[str], cwd: str, env: dict[str, str], paths: list[str]
) -> None:
    os.setsid()
    for stream in (1, 2):
        os.dup2(outputs[min(stream, len(outputs)) - 1].fileno(), stream)
    for output in outputs:
        output.close()
    # Python asked once, at its start, what they are.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    os.environ.clear()
    os.environ.update(env)
    known = env.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*paths, *known]))
    os.chdir(cwd)
    sys.path[:0] = paths
    sys.argv = ["clipmill", *words]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from clipmill.cli import main

    main()
