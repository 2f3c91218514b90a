"""Captions beside the videos of a WebDataset shard: `.txt` files and fields of `.json` files."""

import json
import posixpath
from dataclasses import dataclass, field
from typing import IO, Any

from clipmill.sources.found import composed
from clipmill.sources.readers.captions import Caption, as_caption, text_caption
from clipmill.sources.readers.rows import RowColumns
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

    columns: RowColumns
    _plain: dict[str, Caption] = field(default_factory=dict)
    _fields: dict[str, Caption] = field(default_factory=dict)

    def note(self, file: IO[bytes], entry: TarEntry) -> str:
        """Keep what a file says, if it is one that holds captions; return what is wrong with it."""
        stem, suffix = posixpath.splitext(composed(normal(entry.name)))
        suffix = suffix.lower()
        if suffix not in {".txt", ".json"} or (suffix == ".txt" and self.columns.caption):
            return ""
        if entry.problem or entry.size_bytes > MAX_JSON_BYTES:
            return entry.problem or f"has more than {MAX_JSON_BYTES} bytes"
        file.seek(entry.offset)
        try:
            data = file.read(entry.size_bytes)
            if suffix == ".json":
                return self._note_field(stem, json.loads(data.decode("utf-8-sig")))
        except (OSError, ValueError, RecursionError) as error:
            return f"holds no caption that can be read: {error}"
        self._plain[stem] = text_caption(data, self.columns.encoding)
        return self._plain[stem].problem

    def _note_field(self, stem: str, item: Any) -> str:
        name = self.columns.find_caption(list(item)) if isinstance(item, dict) else None
        if name is None:
            wanted = self.columns.caption
            return f"has no field '{wanted}'" if wanted else ""
        self._fields[stem] = as_caption(item[name])
        problem = self._fields[stem].problem
        return f"its '{name}' {problem}" if problem else ""

    def caption(self, name: str) -> tuple[Caption, str]:
        """Return the caption of a video, by its own name or else by its key, and its origin.

        `a.small.mp4` has the caption of `a.small.txt`, else that of `a.txt`.
        """
        stems = (composed(posixpath.splitext(name)[0]), composed(key(name)))
        kinds = ((self._plain, "text file"), (self._fields, "JSON field"))
        for kind, origin in kinds:
            for stem in stems:
                if stem in kind and kind[stem].text:
                    return kind[stem], origin
        return Caption(), ""


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
