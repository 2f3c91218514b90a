"""The `clipmill` program: its commands, and how errors become exit codes."""

import os
import sys
from contextlib import suppress
from typing import Annotated, ClassVar

import typer

from clipmill import __version__
from clipmill.cli.interrupt import RunInterrupted
from clipmill.cli.lazy import LazyGroup, Where
from clipmill.cli.output import logs
from clipmill.cli.output.console import make_console, tell_error, write_anything
from clipmill.cli.output.verbosity import QuietOption, VerboseOption, choose
from clipmill.disk.faults import explain
from clipmill.errors import ClipmillError, UsageError
from clipmill.failures import MACHINE_KINDS, REMEDIES, machine_kind
from clipmill.preflight.opencv import explain_opencv, of_opencv

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class Commands(LazyGroup):
    """All commands, in the order of the help."""

    table: ClassVar[dict[str, Where]] = {
        "demo": Where(
            "clipmill.cli.commands.demo:demo",
            "Make videos whose truth is known, run every stage on them, report, and compare.",
        ),
        "init": Where(
            "clipmill.cli.commands.init:init",
            "Write a pipeline file to edit: the steps, backends and thresholds of a profile.",
        ),
        "doctor": Where(
            "clipmill.cli.commands.doctor:doctor",
            "Tell what this machine lacks for a profile or a pipeline file, and what gets it.",
        ),
        "run": Where(
            "clipmill.cli.commands.run:app",
            "Run a pipeline over videos; interrupted at any moment, the same command goes on.",
        ),
        "status": Where(
            "clipmill.cli.commands.inspect:status",
            "Show the funnel: how many entered and left each step, and why the others are out.",
        ),
        "why": Where(
            "clipmill.cli.commands.why:why",
            "Tell what every step decided about a video, clip or object, with value, cut and rank.",
        ),
        "diff": Where(
            "clipmill.cli.commands.diff:diff",
            "Tell which clips and objects are gained and lost, by step and reason; nothing is run.",
        ),
        "failed": Where(
            "clipmill.cli.commands.inspect:failed",
            "List every video and clip that failed, and every caption that cannot be used, "
            "and why.",
        ),
        "check": Where(
            "clipmill.cli.commands.check:check",
            "Read every file of a workspace and tell which are damaged; exit code 1 when some are.",
        ),
        "backends": Where(
            "clipmill.cli.commands.inspect:backends",
            "List the backends of every annotation, with licence and what they need.",
        ),
        "report": Where(
            "clipmill.cli.commands.report:report",
            "Write one HTML page: funnel, histograms with cut lines, failures, clips with "
            "overlays.",
        ),
        "browse": Where(
            "clipmill.cli.commands.browse:browse",
            "Look at every clip in a browser, and judge it, until Ctrl-C.",
        ),
        "review": Where(
            "clipmill.cli.commands.judging.review:app",
            "Judge clips, samples and objects, and put the judgements of several people together.",
        ),
        "audit": Where(
            "clipmill.cli.commands.judging.audit:app",
            "Show what blind double-checking has found: precision and yield, with intervals.",
        ),
        "export": Where(
            "clipmill.cli.commands.export:app", "Write the samples in the form a trainer reads."
        ),
        "models": Where(
            "clipmill.cli.commands.models:app", "Fetch and verify the weights of models."
        ),
        "download": Where("clipmill.cli.commands.download:app", "Fetch published video datasets."),
    }


app = typer.Typer(
    name="clipmill",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help=(
        "Turn raw video collections into training-ready clips with captions, object tracks, "
        "camera motion, identity images and Frame-In / Frame-Out regions.\n\n"
        "Start with `clipmill demo`, or with your own videos:\n\n"
        "`clipmill run --input videos/ --workspace ws` and then `clipmill report --workspace ws`."
    ),
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"clipmill {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = 0,
) -> None:
    """Options before the command."""
    choose(quiet=quiet, verbose=verbose)


def main() -> None:
    """Run the program and leave with its exit code.

    0 done; 1 an error on the way, or damage or failed clips where a command was asked to tell;
    2 wrong usage or configuration, nothing was started; 3 a run is done but for clips that the
    machine could not do; 130 interrupted, everything finished is kept.
    """
    write_anything()
    logs.begin()
    try:
        try:
            app(prog_name="clipmill")  # also as `python -m clipmill`: shells complete this name
        finally:
            sys.stdout.flush()  # here, where a full disk behind `>` can still be told
    except UsageError as error:
        tell_error(str(error))
        sys.exit(EXIT_USAGE)
    except ClipmillError as error:
        tell_error(str(error))
        sys.exit(EXIT_FAILED)
    except ImportError as error:
        if not of_opencv(error):
            raise
        tell_error(explain_opencv())
        sys.exit(EXIT_USAGE)
    except OSError as error:
        tell_error(f"{explain(error)}. Everything finished is kept")
        _leave_stdout()
        sys.exit(EXIT_FAILED)
    except RunInterrupted:
        make_console(stderr=True).print(
            "\ninterrupted: everything finished is kept; run the same command again to go on",
            highlight=False,
        )
        # Threads may still be inside a decoder; leaving now is safe, rows are on disk.
        sys.stderr.flush()
        os._exit(EXIT_INTERRUPTED)
    except Exception as error:
        kind = machine_kind(error)
        if not kind:
            raise  # a mistake of ours: its traceback is wanted
        tell_error(
            f"{MACHINE_KINDS[kind]} ({type(error).__name__}: {error}); {REMEDIES[kind]}. "
            "Everything finished is kept"
        )
        sys.exit(EXIT_FAILED)


def _leave_stdout() -> None:
    """Keep the interpreter from writing once more, at its end, what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            sys.stdout.close()
