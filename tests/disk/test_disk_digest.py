import hashlib
import io

from clipmill.disk.digest import Digest, combine, hash_file, matches, read_through, sha256_of

DATA = bytes(range(256)) * 9000
SHA256 = hashlib.sha256(DATA).hexdigest()


def test_a_file_is_hashed_in_every_kind_with_one_reading(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(DATA)
    seen = []
    found = hash_file(path, kinds=("md5", "git-sha1"), on_bytes=seen.append)
    git = hashlib.sha1(f"blob {len(DATA)}\0".encode() + DATA).hexdigest()
    assert found == {"sha256": SHA256, "md5": hashlib.md5(DATA).hexdigest(), "git-sha1": git}
    assert seen[-1] == len(DATA)
    assert sha256_of(path) == SHA256


def test_a_stream_is_hashed_while_it_is_copied():
    target = io.BytesIO()
    assert read_through(io.BytesIO(DATA), target) == (len(DATA), SHA256)
    assert target.getvalue() == DATA
    assert read_through(io.BytesIO(b"")) == (0, hashlib.sha256().hexdigest())


def test_published_checksums_are_compared():
    hashes = {"sha256": SHA256, "md5": "0"}
    assert matches(Digest("sha256-prefix", SHA256[:8]), hashes)
    assert not matches(Digest("sha256-prefix", "12345678"), hashes)
    assert not matches(Digest("md5", "1"), hashes)


def test_several_files_have_one_checksum_in_any_order():
    assert combine({"a": "1", "b": "2"}) == combine({"b": "2", "a": "1"})
    assert combine({"a": "1", "b": "2"}) != combine({"a": "2", "b": "1"})
