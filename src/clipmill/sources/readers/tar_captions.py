"""Captions beside the videos of a WebDataset shard: `.txt` files and fields of `.json` files."""

import json
import posixpath
from dataclasses import dataclass, field
from typing import IO, Any

from clipmill.sources.folder import MAX_CAPTION_BYTES
from clipmill.sources.readers.rows import Columns
from clipmill.sources.readers.tars import TarEntry

MAX_JSON_BYTES = 16_000_000
"""Longer JSON files beside a video are not read."""


@dataclass
class Captions:
    """Texts of one archive by the name they go with; small enough to be held together.

    Attributes:
        columns: `caption` names the field of a `.json` that is the caption; when empty, a `.txt`
            is, else one of the usual fields.
    """

    columns: Columns
    _plain: dict[str, str] = field(default_factory=dict)
    _fields: dict[str, str] = field(default_factory=dict)

    def note(self, file: IO[bytes], entry: TarEntry) -> str:
        """Keep what a file says, if it is one that holds captions; return what is wrong with it."""
        stem, suffix = posixpath.splitext(normal(entry.name))
        suffix = suffix.lower()
        limit = {".txt": MAX_CAPTION_BYTES, ".json": MAX_JSON_BYTES}.get(suffix)
        if limit is None or (suffix == ".txt" and self.columns.caption):
            return ""
        if entry.problem or entry.size_bytes > limit:
            return entry.problem or f"has more than {limit} bytes, so it is not read for a caption"
        file.seek(entry.offset)
        try:
            text = file.read(entry.size_bytes).decode("utf-8-sig")
            if suffix == ".json":
                return self._note_field(stem, json.loads(text))
        except (OSError, ValueError, RecursionError) as error:
            return f"holds no caption that can be read: {error}"
        self._plain[stem] = text.strip()
        return ""

    def _note_field(self, stem: str, item: Any) -> str:
        name = self.columns.find_caption(item) if isinstance(item, dict) else None
        if name is None:
            wanted = self.columns.caption
            return f"has no field '{wanted}'" if wanted else ""
        if item[name] is None:
            return ""
        if not isinstance(item[name], str) or not is_utf8(item[name]):
            return f"'{name}' is not a string of valid Unicode"
        self._fields[stem] = item[name]
        return ""

    def text(self, name: str) -> str | None:
        """Return the caption of a video, by its own name or else by its key.

        `a.small.mp4` has the caption of `a.small.txt`, else that of `a.txt`.
        """
        stems = (posixpath.splitext(name)[0], key(name))
        kinds = (self._plain, self._fields)
        texts = (kind[stem] for kind in kinds for stem in stems if stem in kind)
        return next((text for text in texts if text and not text.isspace()), None)


def normal(name: str) -> str:
    """Return a name in an archive without `./` or a slash at its front."""
    return posixpath.normpath(name).lstrip("/")


def key(name: str) -> str:
    """Return the path up to the first dot of the file name; empty for hidden files."""
    folder, base = posixpath.split(normal(name))
    base = base.split(".", 1)[0]
    return posixpath.join(folder, base) if base else ""


def is_utf8(text: str) -> bool:
    """Whether a text can be stored; names and JSON may hold lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
