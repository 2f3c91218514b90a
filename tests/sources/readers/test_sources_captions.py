"""Anything that may stand where a caption is expected."""

import pytest

from clipmill.sources.readers.captions import (
    CONTROL_NOTE,
    LIST_NOTE,
    MAX_CAPTION_BYTES,
    as_caption,
    text_caption,
)

TEXT = "un café 花 🎬"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_files_with_any_byte_order_mark_are_read(encoding):
    assert text_caption(f" {TEXT}\n".encode(encoding)) == (TEXT, "", "")


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\x00\x00\xfe\xff"])
def test_big_endian_text_files_are_read(mark):
    encoding = "utf-16-be" if len(mark) == 2 else "utf-32-be"
    assert text_caption(mark + TEXT.encode(encoding)).text == TEXT


def test_an_encoding_without_a_mark_is_never_guessed_but_may_be_named():
    for data, encoding in ((b"un caf\xe9", "latin-1"), ("花が".encode("gbk"), "gbk")):
        found = text_caption(data)
        assert found.text is None
        assert "name its `encoding`" in found.problem
        assert text_caption(data, encoding).text == data.decode(encoding)
    assert "holds zero bytes" in text_caption("a disc".encode("utf-16-le")).problem
    assert text_caption("a disc".encode("utf-16-le"), "utf-16-le").text == "a disc"


def test_a_text_file_may_be_as_long_as_the_limit_and_no_longer():
    assert text_caption(b"x" * MAX_CAPTION_BYTES).text == "x" * MAX_CAPTION_BYTES
    assert "more than 100000 bytes" in text_caption(b"x" * (MAX_CAPTION_BYTES + 1)).problem


@pytest.mark.parametrize("data", [b"", b" \n\t", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_text_file_is_no_caption_and_no_problem(data):
    assert text_caption(data) == (None, "", "")


@pytest.mark.parametrize(
    ("value", "text", "note"),
    [
        ("plain", "plain", ""),
        (" kept as it is\r\n", " kept as it is\r\n", ""),
        ("\ufeffmarked", "marked", ""),
        ("a\0b\x1b[31m\tc\x7f", "ab[31m\tc", CONTROL_NOTE),
        (["", "one", "two"], "one", LIST_NOTE),
        (("one",), "one", LIST_NOTE),
        (None, None, ""),
        ("", None, ""),
        ("\x00\x01", None, ""),
        ([], None, ""),
    ],
)
def test_cells_that_are_captions_or_none(value, text, note):
    assert as_caption(value) == (text, "", note)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("lone \ud83d", r"is cut inside a character (\ud83d)"),
        ("caf\udce9", "is not valid UTF-8; convert it, or name its `encoding`"),
        (7, "is not a text but a number"),
        (True, "is not a text but true or false"),
        ({"en": "x"}, "is not a text but an object"),
        ([1, None], "is a list without a text"),
        (["lone \ud83d"], r"is cut inside a character (\ud83d)"),
    ],
)
def test_cells_that_cannot_be_captions_say_why(value, problem):
    found = as_caption(value)
    assert (found.text, found.problem) == (None, problem)
