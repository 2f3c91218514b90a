"""Choices of rows: parsed, never evaluated."""

from pathlib import Path

import pytest

from clipmill.choice import parse_where
from clipmill.download.errors import DatasetError
from clipmill.download.table import VideoTable
from clipmill.errors import UsageError

TABLE = (
    "\ufeffvideo,caption,Aesthetic score,camera motion\n"
    'a.mp4,"one, ""two""\nthree",5.5,static\n'
    "b.mp4,x,4.9,pan_left\n"
    "short.mp4,x\n"
    ",x,9,static\n"
    "c.mp4,x,,static\n"
    "d.mp4,\xff,6e0,Undetermined\n"
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "abcd"),
        ("aesthetic_score > 5", "ad"),
        ("aesthetic score>=4.9 AND aesthetic_score<6", "ab"),
        ("Aesthetic_Score != 6", "ab"),
        ("camera_motion == 'static' and aesthetic_score > -1e3", "a"),
        ('camera_motion != "static"', "bd"),
    ],
)
def test_conditions_choose_rows(tmp_path: Path, text: str, names: str):
    path = tmp_path / "t.csv"
    path.write_bytes(TABLE.encode("utf-8").replace("\xff".encode(), b"\xff"))
    choice = VideoTable(path).choose(parse_where(text))
    assert choice.names == {f"{name}.mp4" for name in names}
    assert (choice.rows, choice.short, choice.empty) == (5, 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "aesthetic_score",
        "> 5",
        "a > 5 or b > 3",
        "a > 5 and",
        "a > b",
        "__import__('os').system('true') > 1",
        "a > 'text'",
        "a > 5; b",
        "a > 1.2.3",
    ],
)
def test_what_is_no_choice_is_refused(text: str):
    with pytest.raises(UsageError):
        parse_where(text)


def test_captions_keep_their_lines_and_quotes(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text(TABLE, "utf-8")
    assert next(VideoTable(path).captions()) == ("a.mp4", 'one, "two"\nthree')


def test_a_table_without_videos_is_refused(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("name,caption\n")
    with pytest.raises(DatasetError, match="no column video"):
        VideoTable(path)


def test_a_very_long_caption_and_blank_lines(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text(f"video,caption\n\na.mp4,{'x' * 200_000}\n\nb.mp4,y,z\n", "utf-8")
    table = VideoTable(path)
    assert list(table.captions()) == [("a.mp4", "x" * 200_000)]
    choice = table.choose(())
    assert (choice.rows, choice.short) == (1, 1)
