"""Which pipeline a command runs, and the weights it fetches before that."""

from collections.abc import Sequence
from contextlib import suppress

from rich.console import Console

from clipmill.cli.interrupt import interruptible
from clipmill.cli.output.pull_progress import make_pull_progress
from clipmill.config import Pipeline, load_profile
from clipmill.config.overrides import with_settings
from clipmill.errors import UsageError
from clipmill.net.offline import offline
from clipmill.net.retry import Retries
from clipmill.pipeline.recorded.last_run import last_pipeline
from clipmill.preflight.weights import missing_at_first_use
from clipmill.store.workspace import Workspace
from clipmill.weights import MissingWeightsError
from clipmill.weights.cache import open_cache
from clipmill.weights.errors import PULL_ERRORS
from clipmill.weights.fetch import pull

DEFAULT_PROFILE = "cpu"
WITHOUT_WEIGHTS = "embedded"
"""The profile that needs nothing to be fetched."""

_RETRIES = Retries(attempts=2)
"""A source that is not there is told soon: there is another one, or another profile."""


def fetch_at_first_use(pipeline: Pipeline) -> None:
    """Fetch what a pipeline's run fetches by itself and what is not in the cache.

    Raises:
        PULL_ERRORS: It cannot be fetched; the message holds what to do.
        RunInterrupted: Somebody pressed Ctrl-C.
    """
    missing = missing_at_first_use(pipeline)
    if not missing:
        return
    watch = make_pull_progress()
    try:
        with interruptible():
            for spec in missing:
                pull(spec, open_cache(), progress=watch, retries=_RETRIES)
    finally:
        watch.close()


def default_pipeline(
    console: Console, workspace: str, settings: Sequence[str] = (), *, fetch: bool = True
) -> Pipeline:
    """Return the profile of a run that names none: the one without weights where there are none.

    Args:
        console: Told when it is not the default profile.
        workspace: What was run there with the default profile is not gone on with by another.
        settings: Changes of it; see `with_settings`.
        fetch: Whether weights are fetched; without, they are taken to be there to be fetched
            wherever the network may be used.

    Raises:
        UsageError: The weights are gone from under a workspace that was begun with them.
    """
    pipeline = with_settings(load_profile(DEFAULT_PROFILE), settings)
    try:
        if fetch:
            fetch_at_first_use(pipeline)
        else:
            _look_forward(pipeline)
    except PULL_ERRORS as error:
        if _was_run_with(pipeline, workspace):
            raise UsageError(
                f"{workspace} was run with the profile {DEFAULT_PROFILE}, and {error}. To go on "
                f"without, say so: --profile {WITHOUT_WEIGHTS}"
            ) from error
        console.print(
            f"profile {WITHOUT_WEIGHTS} in place of {DEFAULT_PROFILE}: {error}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        return with_settings(load_profile(WITHOUT_WEIGHTS), settings)
    return pipeline


def _look_forward(pipeline: Pipeline) -> None:
    """Raise what `fetch_at_first_use` would where the network may not be used; touches nothing."""
    missing = missing_at_first_use(pipeline)
    if missing and (variable := offline()):
        names = ", ".join(spec.name for spec in missing)
        raise MissingWeightsError(f"{names} is not here, and {variable} switches the network off")


def _was_run_with(pipeline: Pipeline, workspace: str) -> bool:
    with suppress(UsageError):  # there is no workspace yet
        last = last_pipeline(Workspace.open(workspace))
        return last is not None and last.name == pipeline.name
    return False
