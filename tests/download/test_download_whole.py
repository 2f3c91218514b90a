"""Servers without byte ranges: archives are fetched whole, checked, and emptied from the end."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from dataset_server import REPO, TRAIN, DataHub, folded, make_table, make_zip
from published import BOTH, PART0, PART1, Notes, contents, fetch, publish
from weights_server import child_environment

from clipmill.net.errors import DownloadError


@pytest.fixture
def plain(hub: DataHub) -> DataHub:
    publish(hub)
    hub.ranges = False
    return hub


def bodies(hub: DataHub, name: str) -> list[int]:
    """Return how many bytes went out for every request of a whole file."""
    return [s.sent for s in hub.bodies() if s.path.endswith(name) and not s.range]


def size(hub: DataHub, name: str) -> int:
    return len(hub.files[REPO][name])


def left(folder: Path) -> list[str]:
    return [path.name for path in (folder / ".openvid" / "archives").iterdir()]


def test_archives_are_fetched_whole_once_and_removed(plain: DataHub, tmp_path: Path):
    notes = Notes()
    report = fetch(tmp_path, notes=notes)
    assert contents(tmp_path) == BOTH
    assert (report.whole_archives, report.fetched, report.missing) == (2, len(BOTH), 1)
    assert report.fetch_bytes == report.archive_bytes
    (cost,) = (line for line in notes.lines if "byte ranges" in line)
    assert "2 archives have to be fetched whole" in cost and "HF_ENDPOINT" in cost
    assert left(tmp_path) == []
    plain.seen.clear()
    again = fetch(tmp_path)
    assert (again.here_before, again.fetched, again.whole_archives) == (len(BOTH), 0, 0)
    assert plain.bodies() == []


def test_a_choice_takes_its_videos_only(plain: DataHub, tmp_path: Path):
    report = fetch(tmp_path, where="aesthetic_score > 17")
    assert contents(tmp_path) == {name: BOTH[name] for name in list(BOTH)[18:]}
    assert (report.whole_archives, report.missing) == (2, 0)


def test_no_further_archive_is_fetched_when_all_is_there(plain: DataHub, tmp_path: Path):
    report = fetch(tmp_path, where="aesthetic_score < 3 and aesthetic_score > 0")
    assert contents(tmp_path) == {name: BOTH[name] for name in list(BOTH)[1:3]}
    assert report.whole_archives == 1
    assert bodies(plain, "partaa") == []


def test_a_dry_run_tells_the_most_it_can_cost(plain: DataHub, tmp_path: Path):
    report = fetch(tmp_path, dry_run=True)
    assert (report.whole_archives, report.requests) == (2, 4)
    assert report.fetch_bytes == report.archive_bytes == report.disk_bytes
    assert contents(tmp_path) == {}
    assert report.received_bytes == size(plain, TRAIN)


def test_a_cut_piece_begins_anew_and_finished_pieces_stay(plain: DataHub, tmp_path: Path):
    first = size(plain, "OpenVid_part1_partaa")
    # The first cut meets the question whether there are ranges.
    plain.cut_after, plain.cuts_left = first + 1000, 3
    waits: list[float] = []
    fetch(tmp_path, waits, parts=frozenset({1}))
    assert contents(tmp_path) == PART1
    assert bodies(plain, "partaa") == [first]
    assert bodies(plain, "partab") == [first + 1000] * 2 + [size(plain, "OpenVid_part1_partab")]
    assert waits == [1.0, 2.0]


def test_a_server_that_always_cuts_is_given_up(plain: DataHub, tmp_path: Path):
    plain.cut_after = 600_000
    with pytest.raises(DownloadError, match="cannot go on in the middle"):
        fetch(tmp_path, parts=frozenset({1}))
    plain.cut_after = None
    plain.seen.clear()
    fetch(tmp_path)
    assert contents(tmp_path) == BOTH
    # The finished first piece was kept.
    assert bodies(plain, "partaa") == []


def test_a_killed_process_goes_on_with_the_piece_it_was_at(plain: DataHub, tmp_path: Path):
    to, first = tmp_path / "to", size(plain, "OpenVid_part1_partaa")
    plain.hold, plain.hold_after = threading.Event(), first + 100_000
    code = (
        "import sys; from pathlib import Path; "
        "from clipmill.download import Request, download_openvid; "
        "download_openvid(Request(folder=Path(sys.argv[1]), parts=frozenset({1})))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(to)], env=child_environment(plain, tmp_path / "cache")
    )
    assert plain.held.wait(60)
    while (
        not any((to / ".openvid" / "archives").glob("*.partial"))
        or max(path.stat().st_size for path in (to / ".openvid" / "archives").iterdir()) <= first
    ):
        assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    plain.hold.set()
    plain.hold = None
    plain.seen.clear()
    fetch(to)
    assert contents(to) == BOTH
    assert bodies(plain, "partaa") == []


def test_an_archive_of_another_checksum_is_told_and_not_unpacked(plain: DataHub, tmp_path: Path):
    good = plain.files[REPO]["OpenVid_part0.zip"]
    plain.announce["OpenVid_part0.zip"] = good
    plain.files[REPO]["OpenVid_part0.zip"] = good[:1000] + bytes([good[1000] ^ 1]) + good[1001:]
    report = fetch(tmp_path)
    assert contents(tmp_path) == PART1
    (problem,) = report.problems
    assert problem.part == 0 and "OpenVid_part0.zip is not the published file" in problem.reason
    # A checksum can be wrong by a fault on the way: it was tried twice.
    assert bodies(plain, "part0.zip") == [len(good)] * 2
    plain.files[REPO]["OpenVid_part0.zip"] = good
    fetch(tmp_path)
    assert contents(tmp_path) == BOTH


def test_a_member_damaged_at_the_source_does_not_cost_the_archive_again(
    plain: DataHub, tmp_path: Path
):
    good = plain.files[REPO]["OpenVid_part0.zip"]
    place = good.index(PART0["v0_5.mp4"]) + 1000
    plain.files[REPO]["OpenVid_part0.zip"] = good[:place] + b"??" + good[place + 2 :]
    for times in (1, 1):
        report = fetch(tmp_path)
        assert contents(tmp_path) == {k: v for k, v in BOTH.items() if k != "v0_5.mp4"}
        (problem,) = report.problems
        assert problem.member == "some/folder/v0_5.mp4" and problem.reason.startswith("damaged: ")
        assert bodies(plain, "part0.zip") == [len(good)] * times
        assert left(tmp_path) == []


def test_what_is_no_zip_is_told_and_removed(plain: DataHub, tmp_path: Path):
    plain.files[REPO]["OpenVid_part2.zip"] = b"no zip" * 30_000
    report = fetch(tmp_path)
    assert contents(tmp_path) == BOTH
    assert [(p.part, p.reason[:19]) for p in report.problems] == [(2, "it is no zip archiv")]
    assert left(tmp_path) == []


def test_a_known_directory_spares_archives_that_hold_nothing_wanted(hub: DataHub, tmp_path: Path):
    publish(hub)
    fetch(tmp_path, where="aesthetic_score < 3")
    hub.ranges = False
    hub.seen.clear()
    report = fetch(tmp_path, where="aesthetic_score < 5")
    assert contents(tmp_path) == {name: BOTH[name] for name in list(BOTH)[:5]}
    assert bodies(hub, "part0.zip")[-1] == size(hub, "OpenVid_part0.zip")
    assert (report.whole_archives, bodies(hub, "partaa")) == (1, [])


def test_names_twice_and_hostile_names_are_as_with_ranges(hub: DataHub, tmp_path: Path):
    big = PART0["v0_0.mp4"]
    members = [("a/x.mp4", big), ("../up.mp4", b"bad"), ("b/x.mp4", big[1:]), ("c/x.mp4", big)]
    hub.files = {
        REPO: {
            "OpenVid_part0.zip": make_zip([*members, *folded(PART1)]),
            TRAIN: make_table([("x.mp4", "caption", 1)]),
        }
    }
    hub.ranges = False
    report = fetch(tmp_path / "to")
    found = contents(tmp_path / "to")
    assert found.pop("x.mp4") == big
    assert [found.pop(name) for name in list(found) if name.startswith("x~")] == [big[1:]]
    assert found == PART1
    assert [p.member for p in report.problems] == ["../up.mp4", "b/x.mp4"]
    assert not (tmp_path / "up.mp4").exists()
