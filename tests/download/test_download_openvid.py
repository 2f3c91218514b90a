"""Downloading OpenVid from a real server that cuts, refuses and waits."""

import csv
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from dataset_server import HD, REPO, TRAIN, DataHub, OnDisk, folded, make_table, make_zip, videos
from published import BOTH, PART0, PART1, contents, fetch, publish
from weights_server import COMMIT, child_environment

from clipmill.disk import ChecksumError, hold
from clipmill.download.errors import FolderError
from clipmill.errors import UsageError
from clipmill.net.errors import DownloadError, OfflineError


def manifest(folder: Path) -> list[list[str]]:
    with (folder / "OpenVid.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_everything_arrives_with_captions_and_a_list_of_what_is_missing(
    hub: DataHub, tmp_path: Path
):
    publish(hub)
    report = fetch(tmp_path)
    assert contents(tmp_path) == BOTH
    assert (report.commit, report.archives, report.fetched) == (COMMIT, 2, len(BOTH))
    assert (report.listed_here, report.missing) == (len(BOTH), 1)
    assert (tmp_path / "missing.txt").read_text() == "absent.mp4\n"
    assert report.choice.repeated == 1
    header, *rows = manifest(tmp_path)
    assert header == ["video", "caption"]
    assert rows == [[f"videos/{name}", f'a "{name}",\nsaid'] for name in BOTH]
    assert not list((tmp_path / ".openvid" / "partial").iterdir())


def test_a_second_run_fetches_nothing_of_what_is_there(hub: DataHub, tmp_path: Path):
    publish(hub)
    fetch(tmp_path)
    (tmp_path / "videos" / "v0_3.mp4").unlink()
    (tmp_path / "videos" / "v1_2.mp4").write_bytes(b"short")
    before = hub.sent()
    report = fetch(tmp_path)
    assert (report.fetched, report.here_before) == (2, len(BOTH) - 2)
    assert contents(tmp_path) == BOTH
    assert hub.sent() - before < 1.02 * (len(PART0["v0_3.mp4"]) + len(PART1["v1_2.mp4"]))


@pytest.mark.parametrize(
    "after_cut",
    [[], [(500, {})], [(429, {"Retry-After": "7"})]],
    ids=["cut", "then-500", "then-429"],
)
def test_cut_connections_go_on_where_they_stopped(hub: DataHub, tmp_path: Path, after_cut: list):
    publish(hub)
    hub.cut_after, hub.after_cut = 200_000, after_cut
    waits: list[float] = []
    fetch(tmp_path, waits, jobs=1)
    assert contents(tmp_path) == BOTH
    # What is lost per cut is less than a block of 64 KiB; nothing is fetched twice as a whole.
    assert hub.sent() < 1.5 * sum(map(len, BOTH.values()))
    if after_cut and after_cut[0][0] == 429:
        assert set(waits) == {7.0}


def test_a_cut_every_megabyte(hub: DataHub, tmp_path: Path):
    files = videos(0, 4, 2_700_000)
    hub.files = {
        REPO: {
            "OpenVid_part0.zip": make_zip(folded(files)),
            TRAIN: make_table([(name, "x", 1) for name in files]),
        }
    }
    hub.cut_after = 1_000_000
    report = fetch(tmp_path)
    assert contents(tmp_path) == files
    cut = [seen for seen in hub.bodies() if seen.sent == hub.cut_after]
    assert len(cut) >= 10
    # Every byte arrived once.
    assert report.received_bytes <= hub.sent() < 1.01 * sum(map(len, hub.files[REPO].values()))


def test_a_failing_file_list_is_asked_again(hub: DataHub, tmp_path: Path):
    publish(hub)
    hub.answers = [(500, {}), (429, {"Retry-After": "3"}), (429, {"RateLimit": '"api";r=0;t=55'})]
    waits: list[float] = []
    fetch(tmp_path, waits)
    assert waits == [1.0, 3.0, 55.0]
    assert contents(tmp_path) == BOTH


def test_a_mirror_that_lists_no_sizes_is_asked_for_headers(hub: DataHub, tmp_path: Path):
    publish(hub)
    hub.lists_sizes = False
    fetch(tmp_path)
    assert contents(tmp_path) == BOTH
    heads = {seen.path.rpartition("/")[2] for seen in hub.seen if seen.method == "HEAD"}
    assert {Path(name).name for name in hub.files[REPO] if name != HD} == heads


@pytest.mark.parametrize(("uses", "asked"), [(None, 1), (3, 3)], ids=["holds", "expires"])
def test_storage_addresses_are_used_while_they_hold(
    hub: DataHub, tmp_path: Path, uses: int | None, asked: int
):
    publish(hub)
    chosen = dict(list(PART0.items())[::2])
    hub.files[REPO][TRAIN] = make_table([(name, "x", 9 * (name in chosen)) for name in PART0])
    hub.uses = uses
    fetch(tmp_path, parts=frozenset({0}), where="aesthetic_score > 6", jobs=1)
    assert contents(tmp_path) == chosen
    # One request for the directory, one for each of six members that do not lie side by side.
    taken = [seen for seen in hub.bodies() if seen.path.endswith("part0.zip")]
    resolved = [seen for seen in hub.seen if seen.path.endswith(f"{COMMIT}/OpenVid_part0.zip")]
    assert (len(taken), len(resolved)) == (7, asked)


@pytest.mark.parametrize(
    ("answer", "told"),
    [((403, {"X-Error-Code": "GatedRepo"}), "HF_TOKEN"), ((404, {}), "--revision or HF_ENDPOINT")],
)
def test_a_refusal_names_the_remedy(hub: DataHub, tmp_path: Path, answer: tuple, told: str):
    publish(hub)
    hub.answers = [answer]
    with pytest.raises(DownloadError, match=told):
        fetch(tmp_path)


def test_another_file_under_the_same_name_is_refused(hub: DataHub, tmp_path: Path):
    publish(hub)
    hub.announce["OpenVid_part0.zip"] = make_zip(folded(PART1))
    with pytest.raises(DownloadError, match=r"not the [\d,]+ announced"):
        fetch(tmp_path, parts=frozenset({0}))


def test_a_table_that_is_not_the_published_one_is_removed(hub: DataHub, tmp_path: Path):
    publish(hub)
    good = hub.files[REPO][TRAIN]
    hub.announce[TRAIN] = good
    hub.files[REPO][TRAIN] = good[:-2] + b"!\n"
    with pytest.raises(ChecksumError, match=r"OpenVid-1M\.csv is not the published file"):
        fetch(tmp_path)
    hub.files[REPO][TRAIN] = good
    fetch(tmp_path)
    assert contents(tmp_path) == BOTH


def test_a_truncated_answer_is_completed(hub: DataHub, tmp_path: Path):
    publish(hub)
    hub.cut_after, hub.cuts_left = 100, 3
    fetch(tmp_path)
    assert contents(tmp_path) == BOTH


def test_a_server_that_keeps_failing_is_given_up_and_the_rest_kept(hub: DataHub, tmp_path: Path):
    publish(hub)
    hub.cut_after, hub.after_cut = 400_000, [(503, {})] * 4
    with pytest.raises(DownloadError, match="tries in a row"):
        fetch(tmp_path, jobs=1)
    kept = contents(tmp_path)
    assert kept and kept.items() < BOTH.items()
    hub.cut_after, hub.answers = None, []
    report = fetch(tmp_path)
    assert report.here_before == len(kept)
    assert contents(tmp_path) == BOTH


def test_a_killed_process_goes_on(hub: DataHub, tmp_path: Path):
    publish(hub)
    hub.hold, hub.hold_after = threading.Event(), 700_000
    code = (
        "import sys; from pathlib import Path; "
        "from clipmill.download import Request, download_openvid; "
        "download_openvid(Request(folder=Path(sys.argv[1]), jobs=1))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "to")],
        env=child_environment(hub, tmp_path / "cache"),
    )
    assert hub.held.wait(60)
    journal = tmp_path / "to" / ".openvid" / "journal.jsonl"
    while not (journal.exists() and journal.read_text().count("\n") >= 3):
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    hub.hold.set()
    hub.hold = None
    # As if it had died inside a line as well.
    journal.write_bytes(journal.read_bytes()[:-9])
    report = fetch(tmp_path / "to")
    assert report.here_before >= 3
    assert contents(tmp_path / "to") == BOTH
    lines = journal.read_text().splitlines()
    assert len({line for line in lines if line.endswith("}")}) >= len(BOTH)


def test_ten_of_a_thousand_members_cost_under_five_percent(hub: DataHub, tmp_path: Path):
    files = videos(0, 1000, 20_000)
    chosen = set(list(files)[7::100])
    archive = make_zip(folded(files))
    rows = [(name, "x", 6 if name in chosen else 4.5) for name in files]
    hub.files = {REPO: {"OpenVid_part0.zip": archive, TRAIN: make_table(rows)}}
    report = fetch(tmp_path, where="aesthetic_score > 5")
    table = len(hub.files[REPO][TRAIN])
    assert contents(tmp_path) == {name: files[name] for name in chosen}
    assert hub.sent() - table < 0.05 * len(archive)
    assert report.unlisted == 990 and report.missing == 0


def test_archives_beyond_four_gigabytes_and_65535_members(hub: DataHub, tmp_path: Path):
    path, to = tmp_path / "large.zip", tmp_path / "to"
    with path.open("wb") as hole:
        hole.truncate(5 << 30)
    files = {f"v{n}.mp4": b"%d" % n for n in range(66_000)}
    with zipfile.ZipFile(path, "a") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    chosen = set(list(files)[5::20_000])
    hub.files = {
        REPO: {
            "OpenVid_part0.zip": OnDisk(path),
            TRAIN: make_table([(name, "x", 6 if name in chosen else 4) for name in files]),
        }
    }
    report = fetch(to, where="aesthetic_score > 5")
    assert contents(to) == {name: files[name] for name in chosen}
    assert report.archive_bytes > 5 << 30
    # The directory is the most of it: there is nothing else to find the members by.
    assert report.received_bytes < 10 << 20


def test_bad_names_are_refused_by_name_and_the_rest_kept(hub: DataHub, tmp_path: Path):
    link = zipfile.ZipInfo("link.mp4")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    bad = ["../up.mp4", "/etc/abs.mp4", "a/../../b.mp4", "C:\\win.mp4", "con.mp4", "..\\w.mp4"]
    members = [(name, b"bad") for name in bad] + [(link, b"/etc/passwd")]
    good = [("fine/one.mp4", b"one"), ("two.mp4", b"two"), ("__MACOSX/._two.mp4", b"fork")]
    hub.files = {
        REPO: {
            "OpenVid_part0.zip": make_zip([good[0], *members, *good[1:]]),
            TRAIN: make_table([("one.mp4", "1", 1), ("two.mp4", "2", 1)]),
        }
    }
    report = fetch(tmp_path / "to")
    assert contents(tmp_path / "to") == {"one.mp4": b"one", "two.mp4": b"two"}
    assert [problem.member for problem in report.problems] == [*bad, "link.mp4"]
    assert "C:\\win.mp4\trefused: its name is an absolute path" in (
        (tmp_path / "to" / "problems.txt").read_text()
    )
    assert {path.name for path in tmp_path.iterdir()} == {"to"}


def test_a_name_twice_keeps_both_contents(hub: DataHub, tmp_path: Path):
    members = [("a/x.mp4", b"first"), ("b/x.mp4", b"second"), ("c/x.mp4", b"first")]
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "mine.mp4").write_bytes(b"precious")
    hub.files = {
        REPO: {
            "OpenVid_part0.zip": make_zip([*members, ("mine.mp4", b"theirs")]),
            TRAIN: make_table([("x.mp4", "caption", 1)]),
        }
    }
    for _ in range(2):
        report = fetch(tmp_path)
        found = contents(tmp_path)
        assert found["x.mp4"] == b"first" and found["mine.mp4"] == b"precious"
        assert sorted(found.values()) == [b"first", b"precious", b"second", b"theirs"]
        assert ["x.mp4" in p.member or "mine" in p.member for p in report.problems] == [True] * 2
        assert manifest(tmp_path)[1:] == [["videos/x.mp4", "caption"]]


def test_a_damaged_member_is_told_and_the_rest_kept(hub: DataHub, tmp_path: Path):
    publish(hub)
    archive = bytearray(hub.files[REPO]["OpenVid_part0.zip"])
    archive[archive.index(PART0["v0_5.mp4"]) + 1000] ^= 1
    hub.files[REPO]["OpenVid_part0.zip"] = bytes(archive)
    report = fetch(tmp_path)
    assert [(p.part, p.member) for p in report.problems] == [(0, "some/folder/v0_5.mp4")]
    assert report.problems[0].reason.startswith("damaged: Bad CRC")
    assert contents(tmp_path) == {k: v for k, v in BOTH.items() if k != "v0_5.mp4"}
    assert (tmp_path / "missing.txt").read_text() == "v0_5.mp4\nabsent.mp4\n"


def test_a_part_that_is_published_twice_is_read_once(hub: DataHub, tmp_path: Path):
    publish(hub, **{"copy/OpenVid_part0.zip": make_zip([("other.mp4", b"other")])})
    report = fetch(tmp_path, parts=frozenset({0}))
    assert contents(tmp_path) == PART0
    assert report.archives == 1


def test_a_broken_archive_and_a_missing_piece_cost_only_themselves(hub: DataHub, tmp_path: Path):
    publish(hub, **{"OpenVid_part2.zip": b"no zip" * 500, "OpenVid_part3_partab": b"x" * 2000})
    report = fetch(tmp_path, parts=frozenset({0, 2, 3, 900}))
    assert contents(tmp_path) == PART0
    assert [p.part for p in report.problems] == [2, 3, 900]


def test_a_dry_run_tells_the_cost_and_fetches_no_video(hub: DataHub, tmp_path: Path):
    publish(hub)
    report = fetch(tmp_path, subset="hd", dry_run=True)
    assert contents(tmp_path) == {}
    assert report.fetched == report.missing == 4
    wanted = {name: BOTH[name] for name in list(BOTH)[10:14]}
    assert report.disk_bytes == sum(map(len, wanted.values()))
    assert report.disk_bytes < report.fetch_bytes < 1.01 * report.disk_bytes
    fetch(tmp_path, subset="hd")
    assert contents(tmp_path) == wanted


def test_requests_that_make_no_sense(hub: DataHub, tmp_path: Path, monkeypatch):
    publish(hub)
    with pytest.raises(UsageError, match="none of the parts"):
        fetch(tmp_path, parts=frozenset({7}))
    with pytest.raises(UsageError, match=r"--subset: there is no .tiny.; choose train or hd"):
        fetch(tmp_path, subset="tiny")
    with pytest.raises(UsageError, match=r"no column 'beauty'.*aesthetic_score"):
        fetch(tmp_path, where="beauty > 3")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OfflineError):
        fetch(tmp_path)


def test_without_its_journal_a_folder_is_compared_not_fetched(hub: DataHub, tmp_path: Path):
    publish(hub)
    fetch(tmp_path)
    shutil.rmtree(tmp_path / ".openvid")
    # One was cut while nobody noted its size: it is not known to be ours, so it stays.
    (tmp_path / "videos" / "v0_1.mp4").write_bytes(b"cut")
    report = fetch(tmp_path)
    assert (report.here_before, report.fetched) == (len(BOTH) - 1, 1)
    found = contents(tmp_path)
    assert found.pop("v0_1.mp4") == b"cut"
    assert sorted(found.values()) == sorted(BOTH.values())
    (row,) = (row for row in manifest(tmp_path) if "v0_1~" in row[0])
    assert (tmp_path / row[0]).read_bytes() == PART0["v0_1.mp4"]


def test_a_renamed_dataset_is_followed(hub: DataHub, tmp_path: Path):
    publish(hub)
    hub.files["someone/else"] = hub.files.pop(REPO)
    hub.renamed[REPO] = "someone/else"
    hub.lists_sizes = False
    fetch(tmp_path)
    assert contents(tmp_path) == BOTH


def test_the_token_stays_with_the_hub(hub: DataHub, tmp_path: Path, monkeypatch):
    publish(hub)
    monkeypatch.setenv("HF_TOKEN", "secret")
    fetch(tmp_path)
    storage = [seen for seen in hub.seen if seen.path.startswith("/storage/")]
    assert storage and not any(seen.authorization for seen in storage)
    others = [seen for seen in hub.seen if seen not in storage]
    assert all(seen.authorization == "Bearer secret" for seen in others)


def test_two_downloads_into_one_folder_are_refused(hub: DataHub, tmp_path: Path):
    publish(hub)
    (tmp_path / ".openvid").mkdir()
    with (
        hold(tmp_path / ".openvid" / "lock"),
        pytest.raises(FolderError, match="another process"),
    ):
        fetch(tmp_path)


def test_a_folder_goes_on_with_the_commit_it_was_begun_with(hub: DataHub, tmp_path: Path):
    publish(hub)
    fetch(tmp_path, parts=frozenset({0}))
    hub.seen.clear()
    fetch(tmp_path, parts=frozenset({1}))
    listing = next(seen.path for seen in hub.seen if "/api/" in seen.path)
    assert listing.endswith(f"/revision/{COMMIT}")
    assert contents(tmp_path) == BOTH
