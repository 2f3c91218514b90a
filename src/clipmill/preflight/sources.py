"""Sources: whether they can be reached, and how much is in them."""

from collections.abc import Iterator

import pyarrow.compute as pc

from clipmill.config import Pipeline
from clipmill.errors import ClipmillError
from clipmill.preflight.finding import Finding
from clipmill.sources import Listing, list_sources
from clipmill.sources.columns import VideoRows
from clipmill.sources.describe import describe_empty

_TODO = "correct the path, or mount the disk or start the server that holds it"


def look_at_sources(pipeline: Pipeline) -> tuple[list[Finding], Listing | None]:
    """List the sources of a pipeline as a run does.

    Returns:
        What was found, and the listing; None where a source cannot be reached.
    """
    if not pipeline.sources:
        return [], None
    try:
        listing = list_sources(pipeline.sources)
    except (ClipmillError, OSError) as error:
        paths = ", ".join(source.path for source in pipeline.sources)
        return [Finding("source", paths, "missing", str(error), _TODO)], None
    return list(_findings(listing)), listing


def bytes_of(videos: VideoRows) -> int:
    """Return the bytes of all videos, as far as their sizes are known."""
    return pc.sum(videos.table["size_bytes"]).as_py() or 0


def _findings(listing: Listing) -> Iterator[Finding]:
    problem = describe_empty(listing.account)
    for source in listing.account.sources:
        yield Finding("source", source.path, "ok", f"{source.videos} videos")
    if problem:
        yield Finding("source", "videos", "missing", problem)
