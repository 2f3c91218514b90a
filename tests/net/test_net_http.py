"""One session for every server: what is resumed, asked again and refused, and who sees the token.

The finer points are tested where they matter: tests/weights and tests/download.
"""

import threading
from pathlib import Path

import pytest
from huggingface_hub import constants
from weights_server import COMMIT, Hub, git_id, random_bytes, sha256

from clipmill.disk import Digest
from clipmill.net.errors import DownloadError, NoRangesError, OfflineError
from clipmill.net.http import Http
from clipmill.net.hub import Hub as Client
from clipmill.net.retry import Retries

DATA = random_bytes(300_000)


def patient(waits: list[float] | None = None) -> Retries:
    return Retries(attempts=3, sleep=(waits if waits is not None else []).append)


def test_a_part_is_completed_and_what_is_whole_is_not_asked_for(hub: Hub, tmp_path: Path):
    hub.plain = {"/a": DATA}
    part, counts = tmp_path / "below" / "a", []
    part.parent.mkdir()
    part.write_bytes(DATA[:100_000])
    http = Http(retries=patient())
    http.download(f"{hub.url}/a", part, what="a", size=len(DATA), on_bytes=counts.append)
    assert part.read_bytes() == DATA
    assert [seen.range for seen in hub.seen] == ["bytes=100000-"]
    assert (counts[0], counts[-1]) == (100_000, len(DATA))
    assert http.received == 200_000
    http.download(f"{hub.url}/a", part, what="a", size=len(DATA), on_bytes=counts.append)
    assert len(hub.seen) == 1


def test_a_silent_server_is_left_after_the_time_the_user_gives(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    silence = threading.Event()
    hub.plain, hub.hold, hub.hold_after = {"/a": DATA}, silence, 70_000
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2")
    # The library has read it when it was imported.
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        hub.hold = None
        silence.set()

    http = Http(retries=patient(), note=note)
    http.download(f"{hub.url}/a", tmp_path / "a", what="a", size=len(DATA))
    assert (tmp_path / "a").read_bytes() == DATA
    assert "did not answer in time (HF_HUB_DOWNLOAD_TIMEOUT); going on where" in notes[0]


def test_ranges_are_refused_in_words_where_there_are_none(hub: Hub):
    hub.plain, hub.ranges = {"/a": DATA}, False
    with pytest.raises(NoRangesError, match=r"127\.0\.0\.1 serves no byte ranges of the file a"):
        list(Http(retries=patient()).read_range(f"{hub.url}/a", 5, 9, what="the file a"))


@pytest.mark.parametrize("address", ["nowhere://x", "http://127.0.0.1:9/x"])
def test_an_address_that_leads_nowhere_is_told(hub: Hub, tmp_path: Path, address: str):
    waits: list[float] = []
    with pytest.raises(DownloadError, match="the thing"):
        Http(retries=patient(waits)).download(address, tmp_path / "a", what="the thing")
    assert waits in ([], [1, 2])
    assert not (tmp_path / "a").exists()


def test_offline_there_is_no_session(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLIPMILL_OFFLINE", "yes")
    with pytest.raises(OfflineError, match="switched off by CLIPMILL_OFFLINE; unset it"):
        Http()


def test_the_token_is_sent_to_the_hub_alone(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_TOKEN", "secret")
    hub.plain = {"/a": DATA}
    client = Client("model")
    client.download(f"{hub.url}/a", tmp_path / "a", what="a")
    client.download(f"http://localhost:{hub.port}/a", tmp_path / "b", what="b")
    assert [seen.authorization for seen in hub.seen] == ["Bearer secret", ""]


@pytest.mark.parametrize("kept", [True, False])
def test_a_redirect_is_kept_where_it_is_wanted(hub: Hub, tmp_path: Path, kept: bool):
    hub.files = {"someone/toy": {"toy.bin": DATA}}
    client = Client("model", keep_redirects=kept, retries=patient())
    file = client.announce("someone/toy", "main", "toy.bin")
    hub.seen.clear()
    for name in "ab":
        client.download(file.url, tmp_path / name, what=name)
        assert (tmp_path / name).read_bytes() == DATA
    resolved = [seen for seen in hub.seen if "/resolve/" in seen.path]
    assert len(resolved) == (1 if kept else 2)


def test_what_the_hub_announces(hub: Hub):
    hub.files = {"someone/toy": {"toy.bin": DATA, "config.json": b"{}"}}
    client = Client("model", retries=patient())
    listing = client.list_files("someone/toy", "main")
    assert (listing.commit, sorted(listing.files)) == (COMMIT, ["config.json", "toy.bin"])
    large = client.announce("someone/toy", listing.commit, "toy.bin")
    assert (large.size_bytes, large.commit) == (len(DATA), COMMIT)
    assert large.digest == Digest("sha256", sha256(DATA))
    small = client.announce("someone/toy", listing.commit, "config.json")
    assert small.digest == Digest("git-sha1", git_id(b"{}"))
    assert small.url == f"{hub.url}/someone/toy/resolve/{COMMIT}/config.json"


def test_a_list_that_makes_no_sense_is_told(hub: Hub):
    hub.files, hub.commit = {"someone/toy": {}}, ""
    with pytest.raises(DownloadError, match="did not answer with the file list of someone/toy"):
        Client("model", retries=patient()).list_files("someone/toy", "main")
