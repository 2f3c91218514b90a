"""Large JSON documents item by item: only one item of a list or an object is held at a time."""

import io
import json
from collections.abc import Iterator
from typing import Any

from clipmill.errors import UsageError
from clipmill.sources.readers.rows import BROKEN, open_text

MAX_ITEM_CHARACTERS = 1 << 26
"""A longer item is taken for damage: a bracket or quote that never closes."""

_CHUNK_CHARACTERS = 1 << 20
_SPACE = " \t\n\r"
_BEHIND_NUMBER = 3
"""Characters to see behind a value: cut off before its digits, `1e+0` begins like a whole 1."""


class JsonDamageError(ValueError):
    """The document cannot be read from here on; the message says why."""


def json_items(path: str, encoding: str = "", *, lists_only: bool = False) -> Iterator[Any]:
    """Yield the items of the list that a file holds, or the values of the object.

    Bytes that are no UTF-8 become surrogates. A key that an object holds twice gives two values.

    Args:
        path: Local path or fsspec URL.
        encoding: Of the file; empty to go by its byte order mark, else UTF-8.
        lists_only: Refuse an object.

    Raises:
        UsageError: The file cannot be opened, or holds neither a list nor an object.
        JsonDamageError: It breaks off or is malformed; the items before that were given.
    """
    with open_text(path, encoding) as file:
        stream = _Stream(file)
        opening = stream.sign()
        if opening == "{" and lists_only:
            raise UsageError(
                f"{path} holds a JSON object where rows are expected; write a list of them: "
                '[{"video": "a.mp4", "caption": "..."}, ...]'
            )
        if opening not in {"[", "{"}:
            raise UsageError(f"{path} holds no JSON list or object; check the path and `kind`")
        closing = "]" if opening == "[" else "}"
        if stream.sign(peek=True) == closing:
            return
        while True:
            if opening == "{":
                stream.value()
                stream.expect(":")
            yield stream.value()
            if stream.expect(f",{closing}") == closing:
                return


class _Stream:
    """A window on a text that moves on as values are taken out of it."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._decode = json.JSONDecoder(strict=False).raw_decode

    def _more(self) -> bool:
        try:
            # Doubled, so that a long item is not parsed again for every chunk.
            new = self._file.read(max(_CHUNK_CHARACTERS, len(self._text) - self._at))
        except (UnicodeError, *BROKEN) as error:
            raise JsonDamageError(str(error)) from error
        self._text = self._text[self._at :] + new
        self._at = 0
        return bool(new)

    def sign(self, *, peek: bool = False) -> str:
        """Return the next character that is no space, empty at the end of the text."""
        while True:
            while self._at < len(self._text):
                sign = self._text[self._at]
                if sign not in _SPACE:
                    self._at += not peek
                    return sign
                self._at += 1
            if not self._more():
                return ""

    def expect(self, wanted: str) -> str:
        """Take one of the wanted characters; raises JsonDamageError when another comes."""
        sign = self.sign()
        if not sign:
            raise JsonDamageError("the file ends too early")
        if sign not in wanted:
            raise JsonDamageError(f"{sign!r} stands where {' or '.join(wanted)} is expected")
        return sign

    def value(self) -> Any:
        """Take one value; raises JsonDamageError when there is none."""
        self.sign(peek=True)
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._text) - self._at > MAX_ITEM_CHARACTERS or not self._more():
                    raise JsonDamageError(str(error)) from error
                continue
            if end + _BEHIND_NUMBER <= len(self._text):
                self._at = end
                return value
            left = len(self._text) - end
            if not self._more():
                self._at = len(self._text) - left
                return value
