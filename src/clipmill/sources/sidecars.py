"""Texts beside videos: `a.txt` is the caption of `a.mp4`."""

import os
import posixpath
from collections.abc import Iterable

from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.found import FoundFile, composed, is_leftover
from clipmill.sources.readers.captions import Caption

ORIGIN = "text file"


def sidecar_texts(names: Iterable[str]) -> dict[str, str]:
    """Return the texts of one folder by the stem of the video they go with.

    Stems are composed, so that a text goes with its video where their names are spelled in two
    Unicode forms. Of `a.txt` and `a.TXT` the first in order counts.
    """
    found: dict[str, str] = {}
    for name in names:
        stem, suffix = posixpath.splitext(name)
        if suffix.lower() == ".txt" and not is_leftover(name):
            found.setdefault(composed(stem), name)
    return found


def stem_of(name: str) -> str:
    """Return the stem by which a video asks for its text."""
    return composed(posixpath.splitext(name)[0])


def with_text(
    found: FoundFile, name: str, uri: str, caption: Caption, counts: SourceCounts
) -> FoundFile:
    """Return a video with the text beside it, or with a remark why that is not used.

    Args:
        found: The video.
        name: File name of the text.
        uri: Path or URL of the text.
        caption: What was read.
        counts: Counts what was done to captions.
    """
    if caption.note:
        counts.note(caption.note)
    if not caption.problem:
        return found._replace(text=caption.text, origin=ORIGIN)
    return found._replace(remark=f"{shown(name)} {caption.problem}", text_uri=shown(uri))


def shown(name: str) -> str:
    """Return a name as it may be stored: bytes that are no UTF-8 are spelled out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
