"""Imports of packages that an extra installs."""

from collections.abc import Iterator
from contextlib import contextmanager

from clipmill.errors import MissingExtraError


@contextmanager
def needed_from(extra: str, *, what: str) -> Iterator[None]:
    """Turn an ImportError of the block into the name of the extra to install.

    Args:
        extra: The extra of clipmill that installs what the block imports.
        what: Named in the error, e.g. `objects backend 'oneformer'`.

    Raises:
        MissingExtraError: A package is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(what, extra, error.name or str(error)) from error
