"""What may stand where a caption is expected, made into a caption or a reason why it is none.

A caption never costs its video: whatever is wrong with it is told, and the video stays.
"""

import codecs
import re
from typing import Any, NamedTuple

MAX_CAPTION_BYTES = 100_000
"""A longer text file beside a video is not taken for its caption."""

LIST_NOTE = "captions are lists: the first text of each is used"
CONTROL_NOTE = "captions have control characters: these are left out"

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MARKS = (
    # The mark of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Caption(NamedTuple):
    """A caption that was read.

    Attributes:
        text: The caption; None when there is none that can be used.
        problem: Why what is there cannot be used; empty when nothing is wrong.
        note: What was done to it; empty when it is as it was.
    """

    text: str | None = None
    problem: str = ""
    note: str = ""


NO_CAPTION = Caption()


def encoding_of(head: bytes, wanted: str = "") -> str:
    """Return the encoding of a text: the one asked for, that of its byte order mark, or UTF-8.

    Args:
        head: Its first four bytes or more.
        wanted: What the user says it is; empty to find out.
    """
    if wanted:
        return wanted
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")


def text_caption(data: bytes, encoding: str = "") -> Caption:
    """Read a text file; spaces around the text are no part of it.

    Args:
        data: Its content.
        encoding: What the user says it is; empty to go by its byte order mark.
    """
    if len(data) > MAX_CAPTION_BYTES:
        return Caption(problem=f"has more than {MAX_CAPTION_BYTES} bytes")
    encoding = encoding_of(data, encoding)
    try:
        text = data.decode(encoding)
    except UnicodeError:
        problem = f"is not {encoding.upper()}; convert it, or name its `encoding`"
        return Caption(problem=problem)
    if "\0" in text:
        return Caption(problem="holds zero bytes; if it is UTF-16, name its `encoding`")
    return as_caption(text.strip())


def as_caption(value: Any) -> Caption:
    """Take a cell or a JSON value for a caption.

    Of a list the first text counts. Control characters other than tabs and line ends mean
    nothing to a reader and break others' files: they are left out.
    """
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return Caption(value) if value and not value.isspace() else NO_CAPTION
        return _cleaned(value)
    if value is None:
        return NO_CAPTION
    if isinstance(value, list | tuple):
        texts = [text for text in value if isinstance(text, str) and text and not text.isspace()]
        if not texts:
            problem = "is a list without a text" if len(value) else ""
            return Caption(problem=problem)
        return _cleaned(texts[0])._replace(note=LIST_NOTE)
    return Caption(problem=f"is not a text but {_kind(value)}")


def _cleaned(text: str) -> Caption:
    text = text.removeprefix("\ufeff")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        # Bytes that are no UTF-8 are read as surrogates of this range; JSON may name any.
        if "\udc80" <= text[error.start] <= "\udcff":
            return Caption(problem="is not valid UTF-8; convert it, or name its `encoding`")
        return Caption(problem=f"is cut inside a character (\\u{ord(text[error.start]):04x})")
    plain = _CONTROL.sub("", text)
    if not plain or plain.isspace():
        return NO_CAPTION
    return Caption(plain, note="" if plain == text else CONTROL_NOTE)


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", dict: "an object"}
    return names.get(type(value), type(value).__name__)
