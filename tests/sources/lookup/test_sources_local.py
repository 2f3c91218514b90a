"""Names as tables spell them against names on the disk."""

import unicodedata
from pathlib import Path

import pytest

from clipmill.config import SourceConfig
from clipmill.sources import Listing, list_sources


def listing(path: Path, **fields: str) -> Listing:
    return list_sources([SourceConfig(path=str(path), **fields)])


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def table(folder: Path, *paths: str) -> Path:
    path = folder / "t.csv"
    path.write_text("video,caption\n" + "".join(f"{one},text\n" for one in paths), "utf-8")
    return path


@pytest.mark.parametrize("form", ["NFD", "NFC"])
def test_names_in_another_unicode_form_are_found_as_they_are_on_the_disk(tmp_path, form):
    other = {"NFD": "NFC", "NFC": "NFD"}[form]
    there = unicodedata.normalize(form, "vidéos/ü/café.mp4")
    put(tmp_path / there)
    rows = table(tmp_path, unicodedata.normalize(other, there), there)
    found = listing(rows)
    assert [(v.relative_path, v.uri) for v in found.videos] == [(there, str(tmp_path / there))]
    assert [p.reason for p in found.problems] == [f"line 3: same file as {there}"]


def test_two_names_that_differ_in_form_only_are_two_videos(tmp_path):
    names = [unicodedata.normalize(form, "é.mp4") for form in ("NFC", "NFD")]
    for name in names:
        put(tmp_path / name)
    assert [v.relative_path for v in listing(table(tmp_path, *names)).videos] == names
    gone = listing(table(tmp_path, unicodedata.normalize("NFC", "è.mp4")))
    assert [p.reason for p in gone.problems] == ["line 2: the file does not exist"]


def test_windows_separators(tmp_path):
    put(tmp_path / "clips/sub/a.mp4")
    put(tmp_path / "clips\\b.mp4")
    paths = ["clips\\sub\\a.mp4", "clips\\b.mp4", "..\\out.mp4", "C:\\data\\a.mp4"]
    found = listing(table(tmp_path, *paths))
    assert [v.relative_path for v in found.videos] == ["clips/sub/a.mp4", "clips\\b.mp4"]
    reasons = [(p.relative_path, p.reason.split(": ", 1)[1]) for p in found.problems]
    assert reasons[0][0] == "..\\out.mp4"
    assert reasons[0][1].startswith("the path leaves the root")
    assert reasons[1][1].startswith("is a Windows path")
