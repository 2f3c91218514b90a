"""Manifests whose rows are URLs."""

import json
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipelines import pipeline_on, run
from range_server import serving

from clipmill.config import SourceConfig
from clipmill.sources import Listing, list_sources
from media import make_clip


def listing(path: Path | str, **fields: str) -> Listing:
    return list_sources([SourceConfig(path=str(path), **fields)])


def manifest(folder: Path, rows: list[tuple[str, str]], suffix: str = "csv") -> Path:
    path = folder / f"m.{suffix}"
    if suffix == "parquet":
        names, texts = zip(*rows, strict=True)
        pq.write_table(pa.table({"video": names, "caption": texts}), path)
    elif suffix == "jsonl":
        lines = [json.dumps({"video": name, "caption": text}) for name, text in rows]
        path.write_text("\n".join(lines))
    else:
        path.write_text("video,caption\n" + "".join(f"{name},{text}\n" for name, text in rows))
    return path


def reasons(found: Listing) -> list[tuple[str, str, str]]:
    return [(p.relative_path, p.state, p.reason.split(": ", 1)[1]) for p in found.problems]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_behind_http(tmp_path, suffix):
    pytest.importorskip("aiohttp", reason="HTTP needs aiohttp")
    served = tmp_path / "served"
    (served / "deep").mkdir(parents=True)
    (served / "deep/a 1.mp4").write_bytes(b"123")
    (served / "b.mp4").write_bytes(b"45678")
    (served / "secret.mp4").write_bytes(b"x")
    (tmp_path / "local.mp4").write_bytes(b"1")
    with serving(served) as server:
        server.refused["/secret.mp4"] = 403
        url = server.url
        names = ["deep/a 1.mp4", "gone.mp4", "b.mp4?token=1", "secret.mp4", "b.mp4?token=1"]
        rows = [(f"{url}/{name}", name) for name in names]
        rows += [("local.mp4", "local"), ("http://127.0.0.1:1/v.mp4", "nobody"), ("", "")]
        found = listing(manifest(tmp_path, rows, suffix))
    assert [(v.relative_path, v.uri, v.size_bytes, v.text) for v in found.videos] == [
        (f"{url}/deep/a 1.mp4", f"{url}/deep/a 1.mp4", 3, "deep/a 1.mp4"),
        (f"{url}/b.mp4?token=1", f"{url}/b.mp4?token=1", 5, "b.mp4?token=1"),
        ("local.mp4", str(tmp_path / "local.mp4"), 1, "local"),
    ]
    told = reasons(found)
    assert told[:3] == [
        (f"{url}/gone.mp4", "failed", "the file does not exist"),
        (f"{url}/secret.mp4", "failed", "cannot be read: the server answered 403"),
        (f"{url}/b.mp4?token=1", "dropped", f"same file as {url}/b.mp4?token=1"),
    ]
    assert told[3][0] == "http://127.0.0.1:1/v.mp4"
    assert told[3][2].startswith("cannot be read: Cannot connect to host")
    assert told[4][2] == "the path is empty"


def test_a_root_behind_http(tmp_path):
    pytest.importorskip("aiohttp", reason="HTTP needs aiohttp")
    served = tmp_path / "served"
    served.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (served / name).write_bytes(b"1")
    with serving(served) as server:
        rows = [(name, "") for name in ("a.mp4", f"{server.url}/b.mp4", "http://else/c.mp4")]
        found = listing(manifest(tmp_path, rows), root=server.url)
    assert [v.relative_path for v in found.videos] == ["a.mp4", "b.mp4"]
    assert reasons(found) == [
        ("http://else/c.mp4", "failed", f"the URL is outside the root {server.url}")
    ]


def test_rows_of_an_object_store_are_looked_up_by_folder(tmp_path):
    memory = fsspec.filesystem("memory")
    memory.pipe("/urls/x/a.mp4", b"12")
    memory.pipe("/urls/y/b.mp4", b"345")
    (tmp_path / "c d.mp4").write_bytes(b"1")
    names = ["memory://urls/x/a.mp4", "memory://urls/y", "memory://urls/y/b.mp4"]
    names += ["memory://urls/x/../y/b.mp4", "memory://urls/x/no.mp4", "memory://nowhere/v.mp4"]
    names += [(tmp_path / "c d.mp4").as_uri(), "simplecache::memory://urls/x/a.mp4"]
    found = listing(manifest(tmp_path, [(name, "") for name in names]))
    assert [(v.relative_path, v.size_bytes) for v in found.videos] == [
        ("memory://urls/x/a.mp4", 2),
        ("memory://urls/y/b.mp4", 3),
        ("c d.mp4", 1),
        ("simplecache::memory://urls/x/a.mp4", 2),
    ]
    assert reasons(found) == [
        ("memory://urls/y", "failed", "is not a file"),
        ("memory://urls/x/../y/b.mp4", "failed", "the URL holds `..`; write where it leads"),
        ("memory://urls/x/no.mp4", "failed", "the file does not exist"),
        ("memory://nowhere/v.mp4", "failed", "the file does not exist"),
    ]


def test_a_whole_run_over_urls(tmp_path):
    pytest.importorskip("aiohttp", reason="HTTP needs aiohttp")
    served = tmp_path / "served"
    make_clip(served / "a.mp4", size=(64, 48), frames=12)
    make_clip(served / "b.mp4", size=(64, 48), frames=9)
    with serving(served) as server:
        path = manifest(tmp_path, [(f"{server.url}/{name}.mp4", name) for name in "abc"])
        text = "name: small\nsteps:\n  - annotate: probe\n  - annotate: shots\n"
        done = run(pipeline_on(path, text), tmp_path / "ws")
        assert done.computed == {"probe": 2, "shots": 2}
        assert done.failed == 1
        before = len(server.asked)
        assert run(pipeline_on(path, text), tmp_path / "ws").computed == {"probe": 0, "shots": 0}
        again = server.asked[before:]
        assert not [line for line in again if "bytes=" in line]  # sizes only
