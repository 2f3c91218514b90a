"""What the cache holds is believed only as far as it was verified."""

import json
from pathlib import Path

import pytest
from weights_server import random_bytes, sha256

from clipmill.disk import ChecksumError
from clipmill.errors import UsageError
from clipmill.weights import (
    REGISTRY,
    Digest,
    MissingWeightsError,
    WeightFile,
    WeightsError,
    WeightSpec,
    find_weights,
    weights_identity,
)
from clipmill.weights.cache import Cache, default_root
from clipmill.weights.place import place
from clipmill.weights.verify import ensure, find_spec_weights

CONTENT = random_bytes(5000)
PINNED = WeightSpec(
    name="toy",
    title="a toy",
    source="https://example.org/toy",
    licence="MIT",
    files=(WeightFile("toy.bin", digests=(Digest("sha256", sha256(CONTENT)),)),),
    note="published on paper",
)
LOOSE = WeightSpec(
    name="loose",
    title="a toy",
    source="https://example.org/loose",
    licence="MIT",
    hub_repo="someone/loose",
    patterns=("*.json", "*.safetensors"),
)


def drop(cache: Cache, content: bytes) -> Path:
    """Put a file into the cache folder, as a user would."""
    path = cache.root / "toy" / "toy.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_missing_weights_say_where_to_get_them(cache: Cache):
    with pytest.raises(MissingWeightsError) as caught:
        find_weights("sam2")
    assert "clipmill models pull sam2" in str(caught.value)
    assert isinstance(caught.value, UsageError)
    with pytest.raises(MissingWeightsError, match=r"published on paper .*pull toy --from toy\.bin"):
        find_spec_weights(PINNED, cache)
    with pytest.raises(UsageError, match="unknown model 'sam9'; known are: isnet, autoshot, "):
        find_weights("sam9")


def test_a_file_dropped_into_the_cache_is_taken_when_its_checksum_fits(cache: Cache):
    path = drop(cache, CONTENT)
    assert find_spec_weights(PINNED, cache) == path
    assert cache.read("toy").files["toy.bin"].checked == "registry"


def test_a_wrong_file_dropped_into_the_cache_is_refused(cache: Cache):
    path = drop(cache, b"something else")
    with pytest.raises(ChecksumError) as caught:
        find_spec_weights(PINNED, cache)
    assert str(path) in str(caught.value)
    assert sha256(b"something else") in str(caught.value)
    assert path.exists()
    assert cache.read("toy") is None


def test_a_dropped_file_that_nobody_published_a_checksum_of_needs_a_word(cache: Cache):
    spec = WeightSpec(
        name="toy", title="", source="", licence="", files=(WeightFile("toy.bin", url="http://x"),)
    )
    path = drop(cache, CONTENT)
    with pytest.raises(MissingWeightsError, match=f"models pull toy --from {path}"):
        find_spec_weights(spec, cache)
    assert place(spec, path, cache) == path
    assert cache.read("toy").files["toy.bin"].checked == "by hand"
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(ChecksumError, match="has changed since it was verified"):
        find_spec_weights(spec, cache)


def test_a_change_is_noticed_and_a_mere_touch_forgiven(cache: Cache):
    path = drop(cache, CONTENT)
    find_spec_weights(PINNED, cache)
    path.write_bytes(CONTENT)
    assert find_spec_weights(PINNED, cache) == path
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ChecksumError, match=r"toy\.bin.*4,999 bytes"):
        find_spec_weights(PINNED, cache)
    path.unlink()
    with pytest.raises(MissingWeightsError, match=r"toy\.bin' of the weights 'toy' is gone"):
        find_spec_weights(PINNED, cache)


def test_verify_hashes_even_what_looks_unchanged(cache: Cache):
    import os

    path = drop(cache, CONTENT)
    find_spec_weights(PINNED, cache)
    state = path.stat()
    path.write_bytes(b"?" + CONTENT[1:])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert find_spec_weights(PINNED, cache) == path
    with pytest.raises(ChecksumError):
        ensure(PINNED, cache, rehash=True)


def test_a_hand_placed_file_is_copied_when_it_fits(cache: Cache, tmp_path: Path):
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(b"wrong")
    with pytest.raises(ChecksumError, match=r"wrong\.bin, given for the weights 'toy'"):
        place(PINNED, wrong, cache)
    assert not (cache.root / "toy").exists()
    right = tmp_path / "any name.bin"
    right.write_bytes(CONTENT)
    assert place(PINNED, right, cache).read_bytes() == CONTENT
    assert right.exists()
    with pytest.raises(MissingWeightsError, match="there is no"):
        place(PINNED, tmp_path / "none", cache)


def test_a_hand_placed_folder_is_trusted_once(cache: Cache, tmp_path: Path):
    folder = tmp_path / "snapshot"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(CONTENT)
    (folder / "README.md").write_text("")
    found = place(LOOSE, folder, cache)
    assert sorted(p.name for p in found.iterdir()) == ["config.json", "model.safetensors"]
    (folder / "model.safetensors").write_bytes(CONTENT[::-1])
    with pytest.raises(ChecksumError, match=sha256(CONTENT)):
        place(LOOSE, folder, cache)
    with pytest.raises(MissingWeightsError, match="several files"):
        place(LOOSE, folder / "config.json", cache)


def test_a_damaged_record_is_named(cache: Cache):
    drop(cache, CONTENT)
    (cache.root / "toy.json").write_text("{ half")
    with pytest.raises(WeightsError, match=r"toy\.json.*clipmill models pull toy"):
        find_spec_weights(PINNED, cache)


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path / "a"))
    assert default_root() == tmp_path / "a"
    monkeypatch.delenv("CLIPMILL_WEIGHTS_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert default_root() == tmp_path / "b" / "clipmill" / "weights"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_root() == tmp_path / ".cache" / "clipmill" / "weights"


def test_the_identity_is_the_same_before_and_after_the_pull(cache: Cache, tmp_path: Path):
    assert weights_identity("autoshot")["sha256"].startswith("3e852905")
    before = weights_identity("qwen2.5-vl")
    assert before["revision"] == REGISTRY["qwen2.5-vl"].revision
    with pytest.raises(MissingWeightsError, match="models pull vggt4track"):
        weights_identity("vggt4track")
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(CONTENT)
    place(REGISTRY["qwen2.5-vl"], folder, cache)
    # Files that only a user vouches for are not the pinned commit.
    after = weights_identity("qwen2.5-vl")
    assert after["revision"] == ""
    assert len(after["sha256"]) == 64


def test_pinned_models_are_known_before_their_first_pull(cache: Cache):
    complexity = REGISTRY["ic9600"]
    assert complexity.revision == "0190f81f9a207e21a285993717830e2d355d1904"
    assert complexity.size_bytes == 81_458_581
    known = "2d4098b4adb3b299f5422a6201d0caed9ff9fff2a4eb8c25a0b67fe85485fdaa"
    assert complexity.sha256 == weights_identity("ic9600")["sha256"] == known
    revision = "4e191050efb7b92cf62fbd053c88c7e2b071728b"
    assert weights_identity("oneformer")["revision"] == revision
    assert REGISTRY["oneformer"].is_pinned and not REGISTRY["vggt4track"].is_pinned


def test_every_entry_says_where_it_comes_from_and_what_one_may_do():
    for name, spec in REGISTRY.items():
        assert spec.name == name
        assert spec.source.startswith("https://")
        assert spec.licence
        assert spec.can_fetch
        forbidden = any(word in spec.licence for word in ("-NC-", "Noncommercial"))
        assert spec.non_commercial == forbidden
        for file in spec.files:
            for digest in file.digests:
                sizes = {"sha256": 64, "md5": 32, "git-sha1": 40, "sha256-prefix": 8}
                assert len(digest.value) == sizes[digest.kind]
                assert digest.value == digest.value.lower()
        if spec.revision:
            assert len(spec.revision) == 40
    assert json.dumps(sorted(REGISTRY))
    assert REGISTRY["autoshot"].size_bytes == 57_243_097
