"""Where videos come from: one file per kind of source, one listing for all of them."""

from clipmill.sources.account import Account
from clipmill.sources.listing import Listing, SourceProblem, list_sources, source_names

__all__ = ["Account", "Listing", "SourceProblem", "list_sources", "source_names"]
