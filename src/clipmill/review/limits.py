"""What a text of a judgement may be: people type it, and files of strangers hold it."""

import getpass
import unicodedata
from typing import Final

LONGEST: Final = {
    "keep": 200,
    "drop": 200,
    "star": 0,
    "tag": 64,
    "caption": 4000,
    "drop_object": 200,
    "note": 4000,
    "undo": 16,
}
"""Kinds of judgements, and the most characters of their value: a reason, a tag, a text, an id."""

NEEDED: Final = frozenset({"tag", "caption", "note", "undo"})
"""Kinds that are nothing without a value."""

LONGEST_NAME: Final = 64
"""Characters of the name of a person."""

_LINES: Final = frozenset({"caption", "note"})
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing: a text with them reads as another one."""


def plain_text(text: str, *, what: str, longest: int, lines: bool = False) -> str:
    """Return a text without white space around, composed (NFC).

    Args:
        text: As typed or read.
        what: What it is, for the message.
        longest: Most characters.
        lines: Whether line ends and tabs may be in it.

    Raises:
        ValueError: It is too long, or holds characters that cannot be seen.
    """
    if len(text) > longest:
        at_most = f"at most {longest} characters" if longest else "none"
        raise ValueError(f"{what}: {len(text)} characters, but {at_most} may be given; shorten it")
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    for place, char in enumerate(text):
        hidden = unicodedata.category(char) in ("Cc", "Cs") or char in _TURNING
        if hidden and not (lines and char in "\n\t"):
            raise ValueError(
                f"{what}: character {place + 1} (U+{ord(char):04X}) cannot be seen; remove it"
            )
    return text


def value_of(kind: str, value: str) -> str:
    """Return the value of a judgement as it is kept; see `plain_text` for what it raises."""
    text = plain_text(value, what=kind, longest=LONGEST[kind], lines=kind in _LINES)
    if kind in NEEDED and not text:
        raise ValueError(f"{kind}: a text is needed")
    return text


def name_of_judge(name: str) -> str:
    """Return the name of a person as it is kept; see `plain_text` for what it raises."""
    text = plain_text(name, what="who", longest=LONGEST_NAME)
    if not text:
        raise ValueError("who: a judgement needs the name of a person; give one with --judge NAME")
    return text


def user_name() -> str:
    """Return the name of the user of this machine, under which judgements are written."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as in many containers
        return "somebody"
