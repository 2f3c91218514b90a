"""The `clipmill` program: its commands, and how errors become exit codes."""

import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from clipmill import __version__
from clipmill.cli import check, demo, download, export, init, look, models, report, run, why
from clipmill.cli.console import make_console, tell_error, write_anything
from clipmill.cli.interrupt import RunInterrupted
from clipmill.disk.faults import explain
from clipmill.errors import ClipmillError, UsageError
from clipmill.failures import MACHINE_KINDS, REMEDIES, machine_kind

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="clipmill",
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

app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("run", cls=run.RunCommand)(run.run)
app.command("status")(look.status)
app.command("why")(why.why)
app.command("failed")(look.failed)
app.command("check")(check.check)
app.command("backends")(look.backends)
app.command("report")(report.report)
app.add_typer(export.app, name="export")
app.add_typer(models.app, name="models")
app.add_typer(download.app, name="download")


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"clipmill {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """Run the program and leave with its exit code.

    0 done; 1 an error on the way, or damage or failed clips where a command was asked to tell;
    2 wrong usage or configuration, nothing was started; 3 a run is done but for clips that the
    machine could not do; 130 interrupted, everything finished is kept.
    """
    write_anything()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where a full disk behind `>` can still be told
    except UsageError as error:
        tell_error(str(error))
        sys.exit(EXIT_USAGE)
    except ClipmillError as error:
        tell_error(str(error))
        sys.exit(EXIT_FAILED)
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
