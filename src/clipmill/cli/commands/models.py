"""Commands about model weights: `models list`, `models pull`, `models verify`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clipmill.cli.options import JsonOption
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, say
from clipmill.cli.output.pull_progress import make_pull_progress
from clipmill.cli.output.tables import show_table
from clipmill.cli.output.verbosity import TalkingTyper
from clipmill.cli.pipeline_choice import read_pipeline_file
from clipmill.config import load_profile
from clipmill.disk.sizes import size_text
from clipmill.errors import ClipmillError, UsageError
from clipmill.preflight.weights import wanted_weights
from clipmill.weights import REGISTRY, WeightSpec, find_spec
from clipmill.weights import verify as weights_verify
from clipmill.weights.cache import Cache, default_root, open_cache
from clipmill.weights.errors import PULL_ERRORS, MissingWeightsError, WeightsError
from clipmill.weights.fetch import pull as pull_weights
from clipmill.weights.place import place

app = TalkingTyper(
    name="models", no_args_is_help=True, help="Fetch and verify the weights of models."
)


@app.command("list")
def show(as_json: JsonOption = False) -> None:
    """List every model: size, licence, whether its content is pinned, whether it is here."""
    cache = open_cache()
    if as_json:
        tell_json("models list", {"models": [_facts(s, cache) for s in REGISTRY.values()]})
        return
    table = Table(title=f"weights in {default_root()}", title_justify="left")
    for name in ("model", "size", "licence", "pinned", "here"):
        table.add_column(name, overflow="fold")
    for spec in REGISTRY.values():
        licence = escape(spec.licence)
        if spec.non_commercial:
            licence += "\n[yellow]non-commercial[/]"
        what = f"{spec.name}\n[dim]{escape(spec.title)}[/]"
        table.add_row(what, size_text(spec.size_bytes), licence, _pinned(spec), _here(spec, cache))
    console = make_console()
    show_table(console, table)
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


@app.command("pull")
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Models; see `models list`.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Take this file or folder instead of downloading."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every model of the list.")] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Every model that this profile runs.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Every model that this pipeline file runs."),
    ] = None,
) -> None:
    """Fetch models into the cache, resuming what was begun; what is there is left alone.

    With several models, one that cannot be fetched does not stop the others: it is told again at
    the end, and the exit code is 1.
    """
    if bool(names) + bool(profile) + bool(config) + everything > 1:
        raise UsageError("give names, --profile, --config or --all, one of them")
    specs = _of_pipeline(profile, config) if profile or config else _specs(names, all_=everything)
    if not specs and (profile or config):
        say(f"{profile or config} needs no weights")
        return
    if not specs:
        raise UsageError(f"which model? There are: {', '.join(REGISTRY)}; or --profile, or --all")
    if source and len(specs) != 1:
        raise UsageError("--from takes one model: clipmill models pull NAME --from PATH")
    failed = _pull_all(specs, source)
    if len(specs) == 1 and failed:
        raise failed[0]
    for error in failed:
        say(f"not fetched: {error}", err=True)
    if failed:
        typer.echo(
            f"{len(failed)} of {len(specs)} models are missing; the same command goes on", err=True
        )
        raise typer.Exit(1)


def _of_pipeline(profile: str | None, config: Path | None) -> list[WeightSpec]:
    pipeline = load_profile(profile) if profile else read_pipeline_file(config or Path())
    return wanted_weights(pipeline)


def _pull_all(specs: list[WeightSpec], source: Path | None) -> list[ClipmillError]:
    """Fetch models one after the other; return why some of them could not be."""
    cache = open_cache()
    watch = make_pull_progress()
    failed: list[ClipmillError] = []
    for spec in specs:
        if spec.non_commercial:
            watch.note(f"{spec.name}: non-commercial licence: {spec.licence} ({spec.source})")
        try:
            if source:
                path = place(spec, source, cache, progress=watch)
            else:
                path = pull_weights(spec, cache, progress=watch)
        except PULL_ERRORS as error:
            failed.append(error)
        else:
            say(f"{spec.name}: {path}")
        finally:
            watch.close()
    return failed


@app.command("verify")
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; without any, all that are here.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hash every file again and compare; exit code 1 if anything is missing or differs."""
    cache = open_cache()
    specs = _specs(names) or [s for s in REGISTRY.values() if _here(s, cache) != "no"]
    if not specs and not as_json:
        say(f"no weights in {cache.root}")
    found = []
    for spec in specs:
        found.append(_verified(spec, cache))
        if not as_json:
            say("{name}: {state}: {text}".format(**found[-1]))
    if as_json:
        tell_json("models verify", {"models": found})
    if any(facts["state"] != "good" for facts in found):
        raise typer.Exit(1)


def _verified(spec: WeightSpec, cache: Cache) -> dict[str, str]:
    """Hash the files of a model; return its state (good, missing, BAD), and that in words."""
    try:
        record = weights_verify.ensure(spec, cache, rehash=True)
    except PULL_ERRORS as error:
        state = "missing" if isinstance(error, MissingWeightsError) else "BAD"
        return {"name": spec.name, "state": state, "text": str(error)}
    total = sum(file.size_bytes for file in record.files.values())
    against = ", ".join(sorted({file.checked for file in record.files.values()}))
    text = f"{len(record.files)} files, {size_text(total)}, first checked against: {against}"
    return {"name": spec.name, "state": "good", "text": text}


def _specs(names: list[str] | None, *, all_: bool = False) -> list[WeightSpec]:
    if all_:
        return list(REGISTRY.values())
    # Naming a model twice means it once.
    return [find_spec(name) for name in dict.fromkeys(names or [])]
