"""Where videos come from: one file per kind of source, one listing for all of them."""

from typing import TYPE_CHECKING, Any

from clipmill.sources.accounting.account import Account

if TYPE_CHECKING:
    from clipmill.sources.listing import Listing, list_sources, source_names

__all__ = ["Account", "Listing", "list_sources", "source_names"]


def __getattr__(name: str) -> Any:
    """Import what lists sources when it is used: looking at a workspace lists none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clipmill.sources import listing

    return getattr(listing, name)
