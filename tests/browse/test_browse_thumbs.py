"""Thumbnails: made on demand, kept where that is allowed, and nothing else is served there."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from browser_asks import ask
from PIL import Image
from served_site import served
from small_disks import read_only

from clipmill.browse.pictures.pool import PicturePool
from clipmill.browse.thumbs.make import thumbnail_frame
from clipmill.clips import Clip
from clipmill.video import probe_video


def kept(workspace) -> list[Path]:
    return sorted(Path(workspace.root).glob("media/thumbnails/*/*.jpg"))


def clip_ids(site) -> list[str]:
    return [name for name in site.catalogue.clip_ids.to_pylist() if name]


def test_a_thumbnail_is_made_once_and_kept(tiny):
    with served(tiny.root) as site:
        (name, *_) = clip_ids(site)
        assert kept(tiny) == []
        first = ask(site, f"/thumb/{name}.jpg")
        data = first.read()
        assert (first.status, first.headers["content-type"]) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(data)).size == (320, 180)
        (file,) = kept(tiny)
        assert file.name == f"{name}.jpg"
        file.write_bytes(b"kept")
        assert ask(site, f"/thumb/{name}.jpg").read() == b"kept"


def test_many_ask_for_one_clip_and_one_makes_it(tiny, monkeypatch):
    made = []
    make = PicturePool.make
    monkeypatch.setattr(
        PicturePool, "make", lambda pool, task: (made.append(task.args[1]), make(pool, task))[1]
    )
    with served(tiny.root) as site:
        names = [name for name in clip_ids(site) for _ in range(6)]
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda name: ask(site, f"/thumb/{name}.jpg").status, names))
    assert set(answers) == {200}
    assert sorted(clip.clip_id for clip in made) == sorted(set(names))


def test_a_read_only_server_writes_nothing_into_the_workspace(tiny):
    before = sorted(Path(tiny.root).rglob("*"))
    with served(tiny.root, read_only=True) as site:
        for _ in range(2):
            assert ask(site, f"/thumb/{clip_ids(site)[0]}.jpg").status == 200
    assert sorted(Path(tiny.root).rglob("*")) == before


def test_a_workspace_that_cannot_be_written_is_looked_at(tiny, tmp_path):
    with read_only(Path(tiny.root), tmp_path / "closed") as closed, served(str(closed)) as site:
        for _ in range(2):
            assert ask(site, f"/thumb/{clip_ids(site)[0]}.jpg").status == 200
        assert ask(site, "/").status == ask(site, "/clips").status == 200
    assert kept(tiny) == []


def test_what_cannot_be_decoded_says_why(tiny, tmp_path):
    with served(tiny.root) as site:
        clip = next(c for c in site.catalogue.clips(np.arange(len(site.catalogue))) if c.clip_id)
        (tmp_path / "videos" / clip.path).unlink()
        answer = ask(site, f"/thumb/{clip.clip_id}.jpg")
        assert answer.status == 422
        assert clip.path in answer.read().decode()
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "../workspace.json", "..%2f..%2fworkspace.json", "%2e%2e/%2e%2e/workspace.json",
        "%2fetc%2fpasswd.jpg", "....//workspace.json", "x.jpg", "", "%00.jpg",
        "0123456789abcdef-000000-000010.jpg", "0123456789abcdef-0000000-00000010.jpg",
        "0123456789abcdef-000010-000000.jpg",
    ],
)  # fmt: skip
def test_no_other_file_is_served(site, name):
    answer = ask(site, f"/thumb/{name}")
    assert answer.status == 404
    assert b"clipmill_workspace" not in answer.read()


def test_the_frame_that_stands_for_a_clip_takes_few_to_decode(clips):
    path = clips("thumbnail.mp4", frames=60, gop=12)
    index = probe_video(str(path)).index
    assert thumbnail_frame(index, Clip("0" * 16, 0, 60)) in (24, 36)
    assert thumbnail_frame(index, Clip("0" * 16, 26, 34)) == 30
