"""What a name or an id means: the video, clip or object that a user asks about."""

import difflib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import VIDEO_ID_DIGITS, Clip
from clipmill.errors import UsageError

_VIDEO_ID = re.compile(f"[0-9a-f]{{{VIDEO_ID_DIGITS}}}")

_NEAR = 3
"""Names that are suggested at most."""

_MANY = 20_000
"""Names that a misspelled one is compared with at most."""


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


def subjects_of_id(names_of: Callable[[str], pa.Table], target: str) -> list[Subject]:
    """Return what the id of a video, clip, anchor or object means; nothing for any other text.

    Args:
        names_of: Gives the entries of a video id, see `VideoList.names`.
        target: The text.
    """
    clip, object_id, anchor_id = _split_ids(target)
    video_id = clip.video_id if clip else target
    if not _VIDEO_ID.fullmatch(video_id):
        return []
    return [
        Subject(video_id, row["relative_path"], clip, object_id, anchor_id)
        for row in names_of(video_id).to_pylist()
    ]


def find_subjects(names: pa.Table, target: str) -> list[Subject]:
    """Find what an id or path means.

    Args:
        names: Of all videos of the run, see `VideoList.names`.
        target: Video, clip, anchor or object id, or a path: as given to `--input`, relative
            to the source, or just the file name; bytes that are no UTF-8 as Python gives them
            (surrogates) or written as they are listed, accents composed or not.

    Raises:
        UsageError: Nothing matches; names near ones.
    """
    found = _matches(names, target, target) or _matches(
        names, target, _same_form(target), composed=True
    )
    if found:
        return found
    near = _near(names, target)
    hint = f"did you mean {' or '.join(near)}?" if near else "see `clipmill status`;"
    raise UsageError(
        f"'{target}' is no video, clip or object of this run; {hint} "
        "give an id, or a path below the input folder"
    )


def _matches(
    entries: pa.Table, target: str, wanted: str, *, composed: bool = False
) -> list[Subject]:
    """Return what an id or name means.

    Args:
        entries: Names of all videos.
        target: As it was given.
        wanted: In the form of the names that it is compared with.
        composed: Whether accents of these are composed.
    """
    clip, object_id, anchor_id = _split_ids(target)
    named = _named(entries, wanted, composed=composed)
    own = pc.equal(entries["video_id"], clip.video_id) if clip else named
    hits = entries.append_column("named", named).filter(pc.or_(named, own))
    return [
        Subject(row["video_id"], row["relative_path"])
        if row["named"]
        else Subject(row["video_id"], row["relative_path"], clip, object_id, anchor_id)
        for row in hits.to_pylist()
    ]


def _named(entries: pa.Table, wanted: str, *, composed: bool) -> pa.ChunkedArray:
    """Tell of which entries a name is an id, path, file name, address, or the end of that."""
    path, place = entries["relative_path"], entries["uri"]
    if composed:
        path, place = (pc.utf8_normalize(names, "NFC") for names in (path, place))
    elif not _is_utf8(wanted):
        return pc.is_null(path)  # no stored name is like it
    found = pc.or_(pc.equal(entries["video_id"], wanted), pc.equal(path, wanted))
    found = pc.or_(found, pc.equal(place, wanted))
    if "/" not in wanted:
        found = pc.or_(found, pc.ends_with(path, "/" + wanted))
    return pc.or_(found, pc.ends_with(place, "/" + wanted.lstrip("./")))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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


def _near(entries: pa.Table, target: str) -> list[str]:
    """Return names that a user may have meant, best first."""
    wanted = _same_form(target).rpartition("/")[2].casefold()
    if entries.num_rows > _MANY:
        entries = _alike(entries, wanted)
    names: dict[str, str] = {}
    for row in entries.to_pylist():
        names.setdefault(row["relative_path"].rpartition("/")[2].casefold(), row["relative_path"])
        names.setdefault(row["video_id"], row["video_id"])
    near = difflib.get_close_matches(wanted, names, n=_NEAR, cutoff=0.75)
    return [names[name] for name in near]


def _alike(entries: pa.Table, wanted: str) -> pa.Table:
    """Return those of many entries whose names begin or end as one does; not too many."""
    names = pc.utf8_lower(pc.replace_substring_regex(entries["relative_path"], "(?s)^.*/", ""))
    stem = wanted.rpartition(".")[0] or wanted
    half = max(len(stem) // 2, 1)
    found = pc.match_substring(names, stem[half:])
    for column in (names, entries["video_id"]):
        found = pc.or_(found, pc.starts_with(column, stem[:half]))
    return entries.filter(found).slice(0, _MANY)
