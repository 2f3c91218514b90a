"""The journal of an export, as a killed one leaves it."""

import pytest

from clipmill.manifest.entries import FileEntry, PieceEntry, SampleEntry
from clipmill.manifest.journal import ExportJournal


def entry(number: int, token: str = "token") -> SampleEntry:
    piece = PieceEntry(f"k{number}", {"n": number}, (FileEntry(f"videos/{number}.mp4", 1, "00"),))
    return SampleEntry(f"s{number}", token, (piece,))


def test_it_goes_on_behind_a_line_that_was_cut_off(tmp_path):
    path = tmp_path / "journal.jsonl"
    with ExportJournal(path, tmp_path / "manifest.jsonl") as journal:
        journal.add([entry(0), entry(1)])
    whole = path.read_bytes()
    path.write_bytes(whole + entry(2).to_line().encode()[:-5])
    with ExportJournal(path, tmp_path / "manifest.jsonl") as journal:
        assert list(journal) == ["s0", "s1"] and path.read_bytes() == whole
        journal.add([entry(2)])
        assert list(journal.read(["s2", "s0"])) == [entry(2), entry(0)]


def test_it_starts_from_the_last_manifest(tmp_path):
    (tmp_path / "manifest.jsonl").write_text("no line\n" + entry(0).to_line())
    with ExportJournal(tmp_path / "new" / "journal.jsonl", tmp_path / "manifest.jsonl") as journal:
        assert list(journal) == ["s0"] and journal.get("s0") == entry(0)
        assert journal.token("s0") == "token" and journal.token("s1") == ""
        with pytest.raises(KeyError):
            journal.get("s1")


def test_the_last_entry_of_a_sample_holds_and_others_can_be_forgotten(tmp_path):
    path = tmp_path / "journal.jsonl"
    with ExportJournal(path, tmp_path / "manifest.jsonl") as journal:
        journal.add([entry(0), entry(1), entry(0, token="newer")])
        journal.keep(["s0"])
        journal.add([entry(2)])
        assert list(journal.read(["s0", "s2"])) == [entry(0, token="newer"), entry(2)]
        assert "s1" not in journal
    assert path.read_text() == entry(0, token="newer").to_line() + entry(2).to_line()
