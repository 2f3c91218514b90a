"""Commands about model weights: `models list`, `models pull`, `models verify`."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID
from rich.table import Table

from clipmill.cli.options import JsonOption
from clipmill.cli.progress import byte_progress
from clipmill.errors import UsageError
from clipmill.weights import REGISTRY, WeightSpec, find_spec
from clipmill.weights import verify as weights_verify
from clipmill.weights.cache import Cache, default_root, open_cache
from clipmill.weights.errors import MissingWeightsError, WeightsError
from clipmill.weights.fetch import pull as pull_weights
from clipmill.weights.place import place

app = typer.Typer(
    name="models", no_args_is_help=True, help="Fetch and verify the weights of models."
)


@app.command("list")
def show(as_json: JsonOption = False) -> None:
    """List every model: size, licence, whether its content is pinned, whether it is here."""
    cache = open_cache()
    if as_json:
        typer.echo(json.dumps([_facts(s, cache) for s in REGISTRY.values()], indent=2))
        return
    table = Table(title=f"weights in {default_root()}", title_justify="left")
    for name in ("model", "size", "licence", "pinned", "here"):
        table.add_column(name, overflow="fold")
    for spec in REGISTRY.values():
        licence = escape(spec.licence)
        if spec.non_commercial:
            licence += "\n[yellow]non-commercial[/]"
        what = f"{spec.name}\n[dim]{escape(spec.title)}[/]"
        table.add_row(what, _size(spec.size_bytes), licence, _pinned(spec), _here(spec, cache))
    console = Console()
    console.print(table)
    console.print(
        "not pinned yet: no checksum is published; the first pull verifies what the hub "
        "announces and records it, later pulls must match it",
        highlight=False,
    )


def _facts(spec: WeightSpec, cache: Cache) -> dict[str, str | int | bool | None]:
    return {
        "name": spec.name,
        "title": spec.title,
        "source": spec.source,
        "revision": spec.revision,
        "size_bytes": spec.size_bytes,
        "sha256": spec.sha256,
        "licence": spec.licence,
        "non_commercial": spec.non_commercial,
        "pinned": _pinned(spec),
        "here": _here(spec, cache),
        "note": spec.note,
    }


def _pinned(spec: WeightSpec) -> str:
    if spec.sha256:
        return "sha256"
    if spec.files and all(file.digests for file in spec.files) and not spec.patterns:
        return "checksums"
    return "commit" if spec.revision else "not pinned yet"


def _here(spec: WeightSpec, cache: Cache) -> str:
    try:
        record = cache.read(spec.name)
    except WeightsError:
        return "unreadable"
    if record is None:
        return "unverified" if cache.folder(spec.name).exists() else "no"
    return "yes" if record.complete else "partly"


def _size(size: int | None) -> str:
    if size is None:
        return "unknown"
    unit, name = (1e9, "GB") if size >= 1e9 else (1e6, "MB")
    return f"{size / unit:,.1f} {name}"


@app.command("pull")
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Models; see `models list`.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Take this file or folder instead of downloading."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every model of the list.")] = False,
) -> None:
    """Fetch models into the cache, resuming what was begun; what is there is left alone."""
    specs = _specs(names, everything=everything)
    if not specs:
        raise UsageError(f"which model? There are: {', '.join(REGISTRY)}; or --all")
    if source and len(specs) != 1:
        raise UsageError("--from takes one model: clipmill models pull NAME --from PATH")
    cache = open_cache()
    console = Console(stderr=True)
    watch = _Bars(console) if console.is_terminal else _Lines()
    for spec in specs:
        if spec.non_commercial:
            watch.note(f"{spec.name}: non-commercial licence: {spec.licence} ({spec.source})")
        try:
            if source:
                path = place(spec, source, cache, progress=watch)
            else:
                path = pull_weights(spec, cache, progress=watch)
        finally:
            watch.close()
        typer.echo(f"{spec.name}: {path}")


@app.command("verify")
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; without any, all that are here.")
    ] = None,
) -> None:
    """Hash every file again and compare; exit code 1 if anything is missing or differs."""
    cache = open_cache()
    specs = _specs(names) or [s for s in REGISTRY.values() if _here(s, cache) != "no"]
    if not specs:
        typer.echo(f"no weights in {cache.root}")
    failures = 0
    for spec in specs:
        try:
            record = weights_verify.ensure(spec, cache, rehash=True)
        except WeightsError as error:
            failures += 1
            kind = "missing" if isinstance(error, MissingWeightsError) else "BAD"
            typer.echo(f"{spec.name}: {kind}: {error}")
            continue
        total = sum(file.size_bytes for file in record.files.values())
        against = ", ".join(sorted({file.checked for file in record.files.values()}))
        typer.echo(
            f"{spec.name}: good: {len(record.files)} files, {_size(total)}, "
            f"first checked against: {against}"
        )
    if failures:
        raise typer.Exit(1)


def _specs(names: list[str] | None, *, everything: bool = False) -> list[WeightSpec]:
    if everything:
        return list(REGISTRY.values())
    # Naming a model twice means it once.
    return [find_spec(name) for name in dict.fromkeys(names or [])]


class _Bars:
    """A live bar per file: bytes, rate, time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._total: int | None = None
        self._fresh = True

    def start(self, what: str, total: int | None) -> None:
        """Show a new bar."""
        if self._progress is None:
            self._progress = byte_progress(self._console)
            self._progress.start()
        self._task = self._progress.add_task(what, total=total)
        self._total, self._fresh = total, True

    def at(self, done: int) -> None:
        """Move the bar."""
        if self._progress and self._fresh:
            # What an earlier pull left must not count into the rate.
            self._progress.reset(self._task, total=self._total, completed=done)
            self._fresh = False
        elif self._progress:
            self._progress.update(self._task, completed=done)

    def finish(self) -> None:
        """Leave the full bar."""
        if self._progress:
            task = self._progress.tasks[-1]
            self._progress.update(self._task, total=task.total or task.completed)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Stop drawing."""
        if self._progress:
            self._progress.stop()
            self._progress = None


class _Lines:
    """Plain lines for logs: one per tenth of a file."""

    def __init__(self) -> None:
        self._what = ""
        self._total: int | None = None
        self._tenths = 0
        self._first: tuple[float, int] | None = None

    def start(self, what: str, total: int | None) -> None:
        """Print what begins."""
        self._what, self._total, self._first = what, total, None
        size = _size(total) if total else "size unknown"
        typer.echo(f"{what}: {size}", err=True)

    def at(self, done: int) -> None:
        """Print a line when another tenth is there."""
        now = time.monotonic()
        tenths = 10 * done // self._total if self._total else 0
        if self._first is None:
            # What an earlier pull left must not count into the rate.
            self._first, self._tenths = (now, done), tenths
        if not self._total or tenths <= self._tenths:
            return
        self._tenths = tenths
        seconds = now - self._first[0]
        rate = (done - self._first[1]) / seconds if seconds > 0 else 0.0
        left = f", {(self._total - done) / rate:.0f} s left" if rate > 0 else ""
        typer.echo(
            f"{self._what}: {done / self._total:.0%}, {_size(done)}, {_size(int(rate))}/s{left}",
            err=True,
        )

    def finish(self) -> None:
        """Print that it is verified."""
        typer.echo(f"{self._what}: verified", err=True)

    def note(self, text: str) -> None:
        """Print a line."""
        typer.echo(text, err=True)

    def close(self) -> None:
        """Nothing is open."""
