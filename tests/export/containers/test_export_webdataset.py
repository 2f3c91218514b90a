"""Shards are read back by the webdataset library; killed and damaged exports end the same."""

import hashlib
import io
import json
import signal
import subprocess
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import killed_webdataset
import numpy as np
import pytest
import webdataset as wds
from awkward_captions import awkward_workspace
from killed_webdataset import MOMENTS, SHARD_BYTES, plan

from clipmill.export.containers.shard import ShardError, ShardWriter, shard_size
from clipmill.export.containers.webdataset import WebDatasetContainer, read_members
from clipmill.export.content.pieces import Made, Member, Piece
from clipmill.export.content.profile import FrameProfile
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.export.job.verify import verify_export
from clipmill.manifest.entries import SampleEntry
from clipmill.manifest.folder import ExportFolder
from clipmill.samples.table import read_samples
from clipmill.store.codecs import decode_bits, decode_tracks


def shards(out: Path) -> list[Path]:
    return sorted((out / "shards").iterdir())


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in shards(out)}


def entries(out: Path) -> list[SampleEntry]:
    return [SampleEntry.from_line(line) for line in (out / "manifest.jsonl").open()]


def read_back(out: Path) -> list[dict]:
    """Samples as the webdataset library gives them, in order."""
    urls = [str(path) for path in shards(out)]
    return list(wds.WebDataset(urls, shardshuffle=False))


@pytest.fixture(scope="module")
def exported(workspace, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wds") / "out"
    run_export(workspace, out, plan())
    return out


@pytest.fixture(scope="module")
def untouched(workspace, tmp_path_factory):
    """Awkward captions, frames as they are: whole videos are copied."""
    folder = tmp_path_factory.mktemp("untouched")
    made, rows = awkward_workspace(workspace, folder / "workspace")
    whole = ExportPlan(Canonical(FormatOptions()), WebDatasetContainer, profile=FrameProfile())
    run_export(made, folder / "out", whole)
    return folder / "out", rows


def test_the_library_reads_what_the_workspace_has(untouched):
    out, rows = untouched
    found = read_back(out)
    assert [item["__key__"] for item in found] == [row.sample_id for row in rows]
    copied = 0
    for item, row in zip(found, rows, strict=True):
        described = json.loads(item["json"])
        assert described["caption"] == row.caption == json.loads(item["row.json"])["caption"]
        arrays = np.load(io.BytesIO(item["npz"]))
        wanted = np.concatenate([decode_tracks(entry.points) for entry in row.objects], axis=1)
        seen = np.concatenate([decode_bits(entry.visibility) for entry in row.objects], axis=1)
        assert len(arrays["tracks"]) == row.num_frames >= len(wanted)
        np.testing.assert_array_equal(arrays["tracks"][: len(wanted)], wanted)
        np.testing.assert_array_equal(arrays["visibility"][: len(wanted)], seen)
        assert not arrays["visibility"][len(wanted) :].any()
        with av.open(io.BytesIO(item["mp4"])) as video:
            assert (
                sum(1 for _ in video.decode(video=0)) == row.num_frames == described["num_frames"]
            )
        copied += item["mp4"] == Path(row.uri).read_bytes()
        identity = item["o00.0.png"] if row.objects[0].reference else b""
        assert identity == (row.objects[0].reference.png if row.objects[0].reference else b"")
    assert 2 < copied < len(rows)


def test_rows_name_members(exported):
    for item in read_back(exported):
        key, row = item["__key__"], json.loads(item["row.json"])
        assert row["video"] == f"{key}.mp4" and row["arrays"] == f"{key}.npz"
        assert row["sample"] == f"{key}.json"
        named = {member["extension"]: member["path"] for member in row["__members__"]}
        assert set(named) | {"row.json"} == {name for name in item if not name.startswith("__")}
        described = json.loads(item["json"])
        assert set(described["files"]) <= set(named.values())


def test_headers_say_nothing_of_the_machine_and_samples_are_whole(exported):
    keys = []
    for path in shards(exported):
        with tarfile.open(path, "r:") as archive:
            for info in archive:
                assert info.isreg() and info.mode == 0o644 and not info.mtime
                assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "", "")
                keys.append(info.name.split(".", 1)[0])
    runs = [key for number, key in enumerate(keys) if number == 0 or keys[number - 1] != key]
    assert runs == [entry.pieces[0].key for entry in entries(exported)]


def test_shards_have_their_size_and_the_index_lists_them(exported):
    sizes = [path.stat().st_size for path in shards(exported)]
    assert len(sizes) > 3
    assert all(size >= SHARD_BYTES for size in sizes[:-1])
    index = json.loads((exported / "shards.json").read_text())
    assert index["wids_version"] == 1
    listed = index["shardlist"]
    assert [exported / shard["url"] for shard in listed] == shards(exported)
    assert [shard["filesize"] for shard in listed] == sizes
    assert sum(shard["nsamples"] for shard in listed) == len(read_back(exported))
    assert "KEY.row.json" in (exported / "CONVENTIONS.md").read_text()


def test_members_have_the_hashes_of_the_manifest(exported, untouched):
    for out in (exported, untouched[0]):
        wanted = [
            (file.path, file.bytes, file.sha256, file.shard)
            for entry in entries(out)
            for piece in entry.pieces
            for file in piece.files
        ]
        found = [
            (member.name, member.bytes, member.sha256, f"shards/{path.name}")
            for path in shards(out)
            for member in read_members(path)
        ]
        assert found == wanted
        assert verify_export(out).problems == ()


def test_more_workers_and_a_second_run_change_nothing(workspace, exported, tmp_path):
    run_export(workspace, tmp_path / "out", plan(workers=2))
    assert contents(tmp_path / "out") == contents(exported)
    before = [path.stat().st_mtime_ns for path in shards(exported)]
    report = run_export(workspace, exported, plan())
    assert report.reused == report.samples
    assert [path.stat().st_mtime_ns for path in shards(exported)] == before


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_export_ends_with_the_same_bytes(workspace, exported, tmp_path, moment):
    out = tmp_path / "out"
    command = [sys.executable, killed_webdataset.__file__, str(workspace.root), str(out), moment]
    killed = subprocess.run(command, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (out / "manifest.jsonl").exists()
    report = run_export(workspace, out, plan())
    assert (report.reused > 0) == (moment == MOMENTS[2])
    assert contents(out) == contents(exported)
    assert not (out / ".clipmill-unfinished").exists()


def test_a_cut_off_shard_is_made_again_and_those_before_it_stay(workspace, exported, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, plan())
    first, second = shards(out)[:2]
    times = first.stat().st_mtime_ns, second.stat().st_mtime_ns
    second.write_bytes(second.read_bytes()[:-512])
    report = run_export(workspace, out, plan())
    assert 0 < report.reused < report.samples
    assert contents(out) == contents(exported)
    assert first.stat().st_mtime_ns == times[0] and second.stat().st_mtime_ns > times[1]


def test_fewer_samples_more_samples_another_size(workspace, exported, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, plan(limit=3))
    few = contents(out)
    run_export(workspace, out, plan())
    assert contents(out) == contents(exported)
    run_export(workspace, out, plan(limit=3))
    assert contents(out) == few
    run_export(workspace, out, plan(3 * SHARD_BYTES))
    run_export(workspace, tmp_path / "fresh", plan(3 * SHARD_BYTES))
    assert contents(out) == contents(tmp_path / "fresh") != contents(exported)


def test_a_sample_that_falls_out_moves_all_behind_it(workspace, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, plan())
    gone = next(s for s in read_samples(workspace) if s.stage1)
    where = f"clip_id != '{gone.clip_id}'"
    report = run_export(workspace, out, plan(where=where))
    assert report.reused == 0
    run_export(workspace, tmp_path / "fresh", plan(where=where))
    assert contents(out) == contents(tmp_path / "fresh")


def test_damage_is_found(exported, tmp_path):
    path = shards(exported)[0]
    data = path.read_bytes()
    whole = list(read_members(path))
    copy = tmp_path / "damaged.tar"

    flipped = bytearray(data)
    flipped[600] ^= 1
    copy.write_bytes(flipped)
    found = list(read_members(copy))
    assert [a.name for a, b in zip(found, whole, strict=True) if a != b] == [whole[0].name]

    header = bytearray(data)
    header[shard_size([(whole[0].name, whole[0].bytes)]) - 1024 + 3] ^= 1
    copy.write_bytes(header)
    with pytest.raises(ShardError, match="damaged at byte"):
        list(read_members(copy))

    for length in (len(data) - 512, len(data) // 2, 300, 0):
        copy.write_bytes(data[:length])
        with pytest.raises(ShardError):
            list(read_members(copy))


def test_a_source_that_goes_away_costs_its_sample_only(tmp_path):
    video, scratch = tmp_path / "video.mp4", tmp_path / "scratch"
    video.write_bytes(bytes(range(256)) * 9)
    scratch.write_bytes(b"arrays")
    folder = ExportFolder(
        tmp_path / "out",
        kind="canonical/webdataset",
        owned=WebDatasetContainer.owned(Canonical),
        data=(),
    )
    container = WebDatasetContainer(folder, Canonical(FormatOptions()), shard_bytes=1 << 20)

    def made(name: str, source: Path) -> Made:
        members = (
            Member("npz", f"arrays/{name}.npz", scratch),
            Member("mp4", f"videos/{name}.mp4", source, outside=True),
        )
        piece = Piece(name, members, {"caption": name})
        return Made(name, "token", tmp_path, (piece,), {(name, "npz"): "0" * 64})

    assert container.add(made("a", video)) == []
    (lost,) = container.add(made("b", tmp_path / "gone.mp4"))
    assert lost.kind == "missing" and "gone.mp4" in lost.left_out and not lost.is_final
    assert container.add(made("c", video)) == []
    assert [entry.sample_id for entry in container.flush()] == ["a", "c"]
    container.close()
    (shard,) = shards(tmp_path / "out")
    names = [member.name for member in read_members(shard)]
    assert names == ["a.npz", "a.mp4", "a.json", "c.npz", "c.mp4", "c.json"]
    with pytest.raises(ValueError, match=r"a\.b"):
        WebDatasetContainer(folder, Canonical(FormatOptions()), shard_bytes=9).add(
            made("a.b", video)
        )


def test_long_names_and_big_files(tmp_path):
    big = tmp_path / "big"
    big.write_bytes(np.random.default_rng(0).bytes(3_000_001))
    name = "k" * 140 + ".mp4"
    with ThreadPoolExecutor(1) as hashing:
        writer = ShardWriter(tmp_path / "a.tar", hashing=hashing)
        written = [writer.add_file(name, big), writer.add_bytes("e.txt", b"")]
        writer.finish()
        sizes = [(member.name, member.bytes) for member in written]
        hashes = [member.sha256() for member in written]
        writer.close()
    assert (tmp_path / "a.tar").stat().st_size == shard_size(sizes)
    found = list(read_members(tmp_path / "a.tar"))
    assert [(m.name, m.bytes) for m in found] == sizes and [m.sha256 for m in found] == hashes
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.extractfile(name).read() == big.read_bytes()


def test_a_shard_may_be_moved_before_it_is_hashed(tmp_path):
    source, moved = tmp_path / "source", threading.Event()
    source.write_bytes(b"frames" * 1000)
    with ThreadPoolExecutor(1) as hashing:
        hashing.submit(moved.wait)
        writer = ShardWriter(tmp_path / "a.tar", hashing=hashing)
        member = writer.add_file("a.mp4", source)
        writer.finish()
        source.unlink()
        (tmp_path / "a.tar").rename(tmp_path / "b.tar")
        moved.set()
        assert member.sha256() == hashlib.sha256(b"frames" * 1000).hexdigest()
        writer.close()
    assert [found.sha256 for found in read_members(tmp_path / "b.tar")] == [member.sha256()]
