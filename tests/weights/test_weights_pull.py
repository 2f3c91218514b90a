"""Pulling from a real server that cuts, lies, refuses and redirects."""

import io
import zipfile
from pathlib import Path

import pytest
from weights_server import COMMIT, Hub, git_id, random_bytes, sha256

from clipmill.disk import ChecksumError
from clipmill.net.errors import DownloadError, OfflineError
from clipmill.net.retry import Retries
from clipmill.weights import Digest, WeightFile, WeightSpec
from clipmill.weights.cache import Cache
from clipmill.weights.errors import MissingWeightsError, NoSpaceError, WeightsError
from clipmill.weights.fetch import pull
from clipmill.weights.verify import ensure, find_spec_weights

SIZE = 1_000_000
CONTENT = random_bytes(SIZE)


class Watch:
    """Remembers what a pull told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.counts: list[int] = []
        self.totals: list[int | None] = []
        self.finished = 0

    def start(self, what: str, total: int | None) -> None:
        self.totals.append(total)

    def at(self, done: int) -> None:
        self.counts.append(done)

    def finish(self) -> None:
        self.finished += 1

    def note(self, text: str) -> None:
        self.notes.append(text)


def one_file(**changes: object) -> WeightSpec:
    """A model of one hub file."""
    values: dict[str, object] = {
        "name": "toy",
        "title": "a toy",
        "source": "https://example.org/toy",
        "licence": "MIT",
        "hub_repo": "someone/toy",
        "files": (WeightFile("toy.bin"),),
    }
    return WeightSpec(**(values | changes))


def patient(waits: list[float], attempts: int = 4) -> Retries:
    """Retries that note their waits instead of waiting."""
    return Retries(attempts=attempts, sleep=waits.append)


def leftovers(cache: Cache) -> list[Path]:
    return [path for path in (cache.root / "partial").rglob("*") if path.is_file()]


def test_a_pull_verifies_and_records_what_the_hub_announced(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    watch = Watch()
    path = pull(one_file(), cache, progress=watch)
    assert path == cache.root / "toy" / "toy.bin"
    assert path.read_bytes() == CONTENT
    record = cache.read("toy")
    assert record.revision == COMMIT
    assert record.files["toy.bin"].sha256 == sha256(CONTENT)
    assert record.files["toy.bin"].checked == "hub"
    assert watch.totals == [SIZE]
    assert watch.counts[0] == 0
    assert watch.counts[-1] == SIZE
    assert watch.counts == sorted(watch.counts)
    assert not leftovers(cache)
    before = len(hub.seen)
    assert pull(one_file(), cache) == find_spec_weights(one_file(), cache) == path
    assert len(hub.seen) == before


def test_a_cut_connection_goes_on_where_it_stopped(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    hub.cut_after = 300_000
    waits: list[float] = []
    watch = Watch()
    path = pull(one_file(), cache, retries=patient(waits), progress=watch)
    assert path.read_bytes() == CONTENT
    bodies = hub.bodies()
    assert len(bodies) >= 4
    assert all(seen.range.startswith("bytes=") for seen in bodies[1:])
    starts = [int(seen.range[6:-1]) for seen in bodies[1:]]
    assert starts == sorted(set(starts))
    # What a cut can lose is one block of 64 KiB.
    assert SIZE <= hub.sent() <= SIZE + (len(bodies) - 1) * 65536
    assert waits == []
    assert any("going on where it stopped" in note for note in watch.notes)


def test_a_server_that_cuts_every_few_bytes_is_given_up_and_what_came_is_kept(
    hub: Hub, cache: Cache
):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    hub.cut_after = 0
    waits: list[float] = []
    with pytest.raises(DownloadError, match=r"'toy.bin' of the weights 'toy'.*4 tries"):
        pull(one_file(), cache, retries=patient(waits))
    assert waits == [1, 2, 4]


def test_a_server_without_ranges_is_read_from_the_start_again(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    hub.ranges = False
    hub.cut_after, hub.cuts_left = 400_000, 1
    path = pull(one_file(), cache, retries=patient([]))
    assert path.read_bytes() == CONTENT
    assert hub.sent() == SIZE + 400_000


def stop_half_way(hub: Hub, cache: Cache, spec: WeightSpec) -> Path:
    """Let a pull fail after more than half of the file, and return what it left."""
    hub.cut_after, hub.cuts_left, hub.after_cut = 600_000, 1, [(403, {})]
    with pytest.raises(DownloadError, match="refuses access"):
        pull(spec, cache)
    (part,) = leftovers(cache)
    assert 600_000 - 65536 <= part.stat().st_size <= 600_000
    hub.seen.clear()
    return part


def test_a_half_written_file_of_an_earlier_pull_is_resumed(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    have = stop_half_way(hub, cache, one_file()).stat().st_size
    assert pull(one_file(), cache).read_bytes() == CONTENT
    assert [seen.range for seen in hub.bodies()] == [f"bytes={have}-"]
    assert hub.sent() == SIZE - have


def test_a_spoilt_rest_of_an_earlier_pull_is_fetched_anew(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    part = stop_half_way(hub, cache, one_file())
    part.write_bytes(b"\0" * part.stat().st_size)
    watch = Watch()
    assert pull(one_file(), cache, progress=watch).read_bytes() == CONTENT
    assert any("starting again" in note for note in watch.notes)


def test_a_rest_of_other_content_is_not_resumed(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    stop_half_way(hub, cache, one_file())
    other = random_bytes(SIZE, seed=9)
    hub.files = {"someone/toy": {"toy.bin": other}}
    assert pull(one_file(), cache).read_bytes() == other
    assert [seen.range for seen in hub.bodies()] == [""]


def test_a_rest_longer_than_the_file_is_dropped(hub: Hub, cache: Cache):
    # Without an announced size or checksum, the server's 416 tells.
    hub.plain = {"/toy.bin": CONTENT}
    spec = one_file(hub_repo="", files=(WeightFile("toy.bin", url=hub.url + "/toy.bin"),))
    part = stop_half_way(hub, cache, spec)
    part.write_bytes(CONTENT + b"more")
    waits: list[float] = []
    assert pull(spec, cache, retries=patient(waits)).read_bytes() == CONTENT
    assert len(waits) == 1


def test_a_wrong_checksum_is_refused_and_nothing_is_left(hub: Hub, cache: Cache):
    spoilt = b"x" + CONTENT[1:]
    hub.files = {"someone/toy": {"toy.bin": spoilt}}
    hub.announce = {"toy.bin": CONTENT}
    with pytest.raises(ChecksumError) as caught:
        pull(one_file(), cache)
    message = str(caught.value)
    assert "'toy.bin' of the weights 'toy'" in message
    assert sha256(CONTENT) in message
    assert sha256(spoilt) in message
    assert not (cache.root / "toy" / "toy.bin").exists()
    assert not leftovers(cache)
    with pytest.raises(MissingWeightsError, match="clipmill models pull toy"):
        find_spec_weights(one_file(), cache)
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    assert pull(one_file(), cache).read_bytes() == CONTENT


def test_a_pinned_checksum_beats_what_the_hub_announces(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    pinned = WeightFile("toy.bin", digests=(Digest("sha256", "0" * 64),))
    with pytest.raises(DownloadError, match=r"another 'toy.bin' for 'toy' than was published"):
        pull(one_file(files=(pinned,)), cache)
    assert not hub.bodies()
    prefix = WeightFile("toy.bin", digests=(Digest("sha256-prefix", "00000000"),))
    with pytest.raises(ChecksumError, match="sha256-prefix 00000000"):
        pull(one_file(files=(prefix,)), cache)
    right = WeightFile("toy.bin", digests=(Digest("sha256-prefix", sha256(CONTENT)[:8]),))
    assert pull(one_file(files=(right,)), cache).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([(500, {}), (503, {})], [1, 2]),
        ([(429, {"Retry-After": "7"})], [7]),
        ([(429, {"Retry-After": "86400"})], [120]),
        ([(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})], [0]),
        ([(503, {"Retry-After": "soon"})], [1]),
    ],
)
def test_a_server_in_trouble_is_asked_again_as_it_wants(
    hub: Hub, cache: Cache, answers: list, expected: list[float]
):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    hub.answers = list(answers)
    waits: list[float] = []
    watch = Watch()
    assert pull(one_file(), cache, retries=patient(waits), progress=watch).is_file()
    assert waits == expected
    assert str(answers[0][0]) in watch.notes[0]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses access to someone/toy/toy.bin.*HF_TOKEN"),
        (403, "refuses access to someone/toy/toy.bin.*HF_TOKEN"),
        (404, "has no someone/toy/toy.bin"),
        (418, "answered 418"),
    ],
)
def test_a_refusal_is_told_at_once(hub: Hub, cache: Cache, status: int, words: str):
    hub.answers = [(status, {})]
    waits: list[float] = []
    with pytest.raises(DownloadError, match=words):
        pull(one_file(), cache, retries=patient(waits))
    assert waits == []
    assert len(hub.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_stays_in_trouble_is_given_up(hub: Hub, cache: Cache, status: int):
    hub.answers = [(status, {})] * 9
    waits: list[float] = []
    with pytest.raises(DownloadError, match=f"4 tries in a row failed: 127.0.0.1:.*{status}"):
        pull(one_file(), cache, retries=patient(waits))
    assert waits == [1, 2, 4]
    assert len(hub.seen) == 4


def test_a_server_that_is_not_there_is_named(hub: Hub, cache: Cache, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match=r"127.0.0.1:9 cannot be reached"):
        pull(one_file(), cache, retries=patient([]))


def test_a_web_page_is_not_taken_for_weights(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    hub.page = True
    with pytest.raises(DownloadError, match=r"a web page instead of 'toy.bin'"):
        pull(one_file(), cache)


@pytest.mark.parametrize("variable", ["CLIPMILL_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_asks_nobody(hub: Hub, cache: Cache, monkeypatch, variable: str):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    monkeypatch.setenv(variable, "1")
    with pytest.raises(OfflineError, match=variable):
        pull(one_file(), cache)
    monkeypatch.setenv(variable, "0")
    path = pull(one_file(), cache)
    hub.seen.clear()
    monkeypatch.setenv(variable, "true")
    assert pull(one_file(), cache) == path
    ensure(one_file(), cache, rehash=True)
    assert hub.seen == []


def test_the_disk_is_asked_for_room_before_the_download(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    hub.sizes = {"toy.bin": 10**16}
    with pytest.raises(NoSpaceError, match=r"need 10,000,000\.0 GB more.*CLIPMILL_WEIGHTS_DIR"):
        pull(one_file(), cache)
    assert not hub.bodies()


def test_a_server_that_announces_more_than_it_has_is_given_up(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    hub.sizes = {"toy.bin": SIZE + 1}
    with pytest.raises(DownloadError, match=r"has not the 1,000,001 bytes it announced"):
        pull(one_file(), cache, retries=patient([]))
    assert hub.sent() == 2 * SIZE


def test_the_first_pull_is_trusted_and_later_ones_must_match_it(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    path = pull(one_file(), cache)
    path.unlink()
    other = random_bytes(SIZE, seed=1)
    hub.files = {"someone/toy": {"toy.bin": other}}
    with pytest.raises(ChecksumError, match=sha256(CONTENT)):
        pull(one_file(), cache)
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    hub.seen.clear()
    assert pull(one_file(), cache).read_bytes() == CONTENT
    # The commit of the first pull is asked for, not the newest.
    assert all(f"/resolve/{COMMIT}/" in s.path or "/storage/" in s.path for s in hub.seen)


def test_a_file_that_rotted_is_fetched_again(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    path = pull(one_file(), cache)
    path.write_bytes(CONTENT[:-1] + b"!")
    watch = Watch()
    assert pull(one_file(), cache, progress=watch).read_bytes() == CONTENT
    assert any("has changed since it was verified" in note for note in watch.notes)


SNAPSHOT = {
    "config.json": b'{"size": 1}',
    "model-1.safetensors": random_bytes(200_000, 2),
    "model-2.safetensors": random_bytes(200_000, 3),
    "pytorch_model.bin": random_bytes(400_000, 4),
    "README.md": b"read me",
}


def snapshot(**changes: object) -> WeightSpec:
    patterns = ("*.json", "*.safetensors", "*.bin")
    return one_file(**({"files": (), "patterns": patterns} | changes))


def test_a_snapshot_holds_the_wanted_files_only(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": SNAPSHOT}
    folder = pull(snapshot(), cache)
    assert folder == cache.root / "toy"
    names = sorted(path.name for path in folder.iterdir())
    # Pickles are not wanted where safetensors exist.
    assert names == ["config.json", "model-1.safetensors", "model-2.safetensors"]
    record = cache.read("toy")
    assert record.revision == COMMIT
    assert {name: file.sha256 for name, file in record.files.items()} == {
        name: sha256(SNAPSHOT[name]) for name in names
    }


def test_pickles_are_taken_where_there_is_nothing_else(hub: Hub, cache: Cache):
    files = {k: v for k, v in SNAPSHOT.items() if not k.endswith(".safetensors")}
    hub.files = {"someone/toy": files}
    assert sorted(p.name for p in pull(snapshot(), cache).iterdir()) == [
        "config.json",
        "pytorch_model.bin",
    ]


def test_a_small_file_is_checked_by_its_git_id(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": SNAPSHOT}
    hub.announce = {"config.json": b"another text"}
    with pytest.raises(ChecksumError, match=f"git-sha1 {git_id(b'another text')}"):
        pull(snapshot(), cache)


def test_a_snapshot_that_stopped_half_way_goes_on_with_the_rest(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": SNAPSHOT}
    hub.announce = {"model-2.safetensors": b"y" * 200_000}
    with pytest.raises(ChecksumError, match=r"model-2\.safetensors"):
        pull(snapshot(), cache)
    with pytest.raises(MissingWeightsError, match="not all fetched yet"):
        find_spec_weights(snapshot(), cache)
    hub.announce = {}
    hub.seen.clear()
    assert pull(snapshot(), cache).is_dir()
    assert [seen.path.rpartition("/")[2] for seen in hub.bodies()] == ["model-2.safetensors"]


def test_a_pinned_commit_that_the_hub_lacks_is_an_error(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    with pytest.raises(DownloadError, match=r"has no someone/toy/toy.bin"):
        pull(one_file(revision="f" * 40), cache)


def test_a_new_commit_in_the_registry_replaces_the_old_files(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    pull(one_file(revision=COMMIT), cache)
    newer = random_bytes(SIZE, seed=5)
    hub.files, hub.commit = {"someone/toy": {"toy.bin": newer}}, "d" * 40
    with pytest.raises(MissingWeightsError, match=f"revision {COMMIT}, wanted is {'d' * 40}"):
        find_spec_weights(one_file(revision="d" * 40), cache)
    assert pull(one_file(revision="d" * 40), cache).read_bytes() == newer


def test_a_server_cannot_write_outside_the_folder(hub: Hub, cache: Cache):
    hub.files = {"someone/toy": {"../../evil.json": b"{}"}}
    with pytest.raises(DownloadError, match="leaves its folder"):
        pull(snapshot(), cache)
    assert not hub.bodies()


def test_a_renamed_repository_is_followed(hub: Hub, cache: Cache):
    hub.files = {"someone/new": {"toy.bin": CONTENT}}
    hub.renamed = {"someone/toy": "someone/new"}
    assert pull(one_file(), cache).read_bytes() == CONTENT
    assert cache.read("toy").revision == COMMIT
    hub.renamed["someone/new"] = "someone/toy"
    with pytest.raises(DownloadError, match="redirects in a circle"):
        pull(one_file(), Cache(cache.root / "other"))


def test_a_folder_that_cannot_be_written_is_named(hub: Hub, tmp_path: Path):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"file/weights cannot be written.*CLIPMILL_WEIGHTS_DIR"):
        pull(one_file(), Cache(tmp_path / "file" / "weights"))
    blocked = Cache(tmp_path / "weights")
    blocked.root.mkdir()
    (blocked.root / "partial").write_text("a file where a folder must be")
    with pytest.raises(WeightsError, match="cannot be written"):
        pull(one_file(), blocked)


def test_the_token_goes_to_the_hub_and_to_nobody_else(hub: Hub, cache: Cache, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    hub.files = {"someone/toy": SNAPSHOT}
    pull(snapshot(), cache)
    ours = {s.authorization for s in hub.seen if s.host.startswith("127.0.0.1")}
    theirs = {s.authorization for s in hub.seen if s.host.startswith("localhost")}
    assert ours == {"Bearer secret"}
    assert theirs == {""}


def test_what_the_hubs_own_tools_have_is_not_fetched_again(hub: Hub, cache: Cache, tmp_path: Path):
    hub.files = {"someone/toy": {"toy.bin": CONTENT}}
    blobs = tmp_path / "hub-home" / "hub" / "models--someone--toy" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / sha256(CONTENT)).write_bytes(CONTENT)
    watch = Watch()
    assert pull(one_file(), cache, progress=watch).read_bytes() == CONTENT
    assert not hub.bodies()
    assert any("taken from" in note for note in watch.notes)
    # A spoilt one is not believed.
    (cache.root / "toy" / "toy.bin").unlink()
    (blobs / sha256(CONTENT)).write_bytes(b"rotten")
    assert pull(one_file(), cache).read_bytes() == CONTENT


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return buffer.getvalue()


def zipped(hub: Hub, **file: object) -> WeightSpec:
    return one_file(hub_repo="", files=(WeightFile(url=hub.url + "/toy.zip", **file),))


def test_weights_inside_an_archive_are_taken_out_and_checked(hub: Hub, cache: Cache):
    hub.plain = {"/toy.zip": archive({"toy.pth": CONTENT, "note.txt": b"no"})}
    import hashlib

    md5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    spec = zipped(hub, path="toy.pth", member="toy.pth", digests=(Digest("md5", md5),))
    assert pull(spec, cache).read_bytes() == CONTENT
    assert [p.name for p in (cache.root / "toy").iterdir()] == ["toy.pth"]
    wrong = zipped(hub, path="toy.pth", member="toy.pth", digests=(Digest("md5", "0" * 32),))
    with pytest.raises(ChecksumError, match="md5 0000"):
        pull(wrong, Cache(cache.root / "other"))
    absent = zipped(hub, path="toy.pth", member="toy.pt")
    with pytest.raises(DownloadError, match=r"no zip archive with 'toy\.pt'"):
        pull(absent, Cache(cache.root / "third"))


def test_an_archive_of_code_is_unpacked_and_its_files_are_watched(hub: Hub, cache: Cache):
    hub.plain = {"/toy.zip": archive({"toy-abc/hubconf.py": b"x = 1", "toy-abc/a/b.py": b""})}
    spec = zipped(hub, path="code", unpack=True)
    folder = pull(spec, cache)
    assert folder == cache.root / "toy" / "code"
    assert (folder / "hubconf.py").read_bytes() == b"x = 1"
    (folder / "hubconf.py").write_bytes(b"x = 2")
    with pytest.raises(ChecksumError, match="has changed since it was verified"):
        ensure(spec, cache, rehash=True)
    assert (pull(spec, cache) / "hubconf.py").read_bytes() == b"x = 1"


@pytest.mark.parametrize("name", ["../evil.py", "toy/../../evil.py", "/evil.py"])
def test_an_archive_cannot_write_outside_its_folder(hub: Hub, cache: Cache, name: str):
    hub.plain = {"/toy.zip": archive({name: b"x = 1"})}
    with pytest.raises(DownloadError, match="leaves its folder"):
        pull(zipped(hub, path="code", unpack=True), cache)
    assert not list(cache.root.rglob("evil.py"))
