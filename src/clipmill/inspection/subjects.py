"""What a name or an id means: the video, clip or object that a user asks about."""

import difflib
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.pipeline.inputs.videos import VideoList

_NEAR = 3
"""Names that are suggested at most."""


@dataclass(frozen=True)
class Subject:
    """What is asked about.

    Attributes:
        video_id: Its video.
        path: Path of the video, relative to its source.
        clip: The clip, when one is asked about.
        object_id: The object, when one is asked about.
        anchor_id: The clip's anchor, when one or an object at it is asked about.
    """

    video_id: str
    path: str
    clip: Clip | None = None
    object_id: str | None = None
    anchor_id: str = ""


def find_subjects(listing: VideoList, target: str) -> list[Subject]:
    """Find what an id or path means.

    Args:
        listing: Videos of the run.
        target: Video, clip, anchor or object id, or a path: as given to `--input`, relative
            to the source, or just the file name; bytes that are no UTF-8 as Python gives them
            (surrogates) or written as they are listed, accents composed or not.

    Raises:
        UsageError: Nothing matches; names near ones.
    """
    found = list(_matches(listing, target, _as_is)) or list(_matches(listing, target, _same_form))
    if found:
        return found
    near = _near(listing, target)
    hint = f"did you mean {' or '.join(near)}?" if near else "see `clipmill status`;"
    raise UsageError(
        f"'{target}' is no video, clip or object of this run; {hint} "
        "give an id, or a path below the input folder"
    )


def _entries(listing: VideoList) -> Iterator[tuple[str, str, str]]:
    yield from ((v.video_id, v.relative_path, v.uri) for v in listing.videos)
    yield from ((p.video_id, p.relative_path, p.uri) for p in listing.problems)


def _matches(listing: VideoList, target: str, form: Callable[[str], str]) -> Iterator[Subject]:
    wanted = form(target)
    clip, object_id, anchor_id = _split_ids(target)
    tail = "/" + wanted.lstrip("./")
    for video_id, relative_path, uri in _entries(listing):
        path, place = form(relative_path), form(uri)
        names = (video_id, path, place, path.rpartition("/")[2])
        if wanted in names or place.endswith(tail):
            yield Subject(video_id, relative_path)
        elif clip is not None and clip.video_id == video_id:
            yield Subject(video_id, relative_path, clip, object_id, anchor_id)


def _as_is(text: str) -> str:
    return text


def _same_form(text: str) -> str:
    """Bytes that are no UTF-8 as they are listed, accents composed."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", shown)


def _split_ids(target: str) -> tuple[Clip | None, str | None, str]:
    base, _, rest = target.partition("-a")
    try:
        clip = Clip.parse(base)
    except ValueError:
        return None, None, ""
    anchor, _, thing = rest.partition("-o")
    return clip, target if thing else None, f"{base}-a{anchor}" if anchor else ""


def _near(listing: VideoList, target: str) -> list[str]:
    """Return names that a user may have meant, best first."""
    wanted = _same_form(target).rpartition("/")[2].casefold()
    names: dict[str, str] = {}
    for video_id, relative_path, _ in _entries(listing):
        names.setdefault(relative_path.rpartition("/")[2].casefold(), relative_path)
        names.setdefault(video_id, video_id)
    near = difflib.get_close_matches(wanted, names, n=_NEAR, cutoff=0.75)
    return [names[name] for name in near]
