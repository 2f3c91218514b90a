"""Text as it leaves: nothing that breaks a reader of lines, of CSV or of UTF-8."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters besides tab and the ends of lines: NUL ends strings and stops CSV readers,
an escape colours terminals, and the separators 0x1c to 0x1e and 0x85 are line ends to some."""

_HALVES = re.compile(r"[\ud800-\udfff]")
"""Halves of surrogate pairs, which UTF-8 cannot hold."""


def exported_text(text: str) -> str:
    """Return a caption without control characters.

    Each becomes a space; tabs and line breaks stay as they are, and what is no character becomes
    U+FFFD.
    """
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub(" ", text))
