"""The program in processes of its own, forked from one that has imported everything.

They are as real as those that a shell starts: own pipes, working directory, environment, process
group and exit code, and they die of signals. But starting Python and importing the libraries
costs most of a second of computing, which tests that start dozens need to pay once only. What
happens at the start itself is tested with `python -m clipmill`.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path

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
    """

    def __init__(
        self,
        *arguments: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        paths: tuple[Path, ...] = (),
    ) -> None:
        ours, theirs = _forking.Pipe(duplex=False)
        self.stdout = os.fdopen(os.dup(ours.fileno()), encoding="utf-8")
        ours.close()
        given = dict(os.environ if env is None else env)
        words = [str(argument) for argument in arguments]
        self._process = _forking.Process(
            target=_run, args=(theirs, words, str(cwd or Path.cwd()), given, list(map(str, paths)))
        )
        self._process.start()
        theirs.close()
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

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Wait for the end and return what it said, stdout and stderr in one."""
        self.wait(timeout)
        return self.stdout.read(), None


def _run(
    output: Connection, words: list[str], cwd: str, env: dict[str, str], paths: list[str]
) -> None:
    os.setsid()
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
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
