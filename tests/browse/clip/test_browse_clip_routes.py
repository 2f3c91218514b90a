"""What the server gives of a clip, and what it refuses."""

import http.client
import io
import json
import shutil
from urllib.parse import parse_qsl, quote

import numpy as np
import pytest
from counted_clips import LONG, draw
from PIL import Image

from clipmill.browse.catalogue import Query
from clipmill.browse.clip.opened import OpenClips
from clipmill.browse.clip.parts import KeptParts, LeftError
from clipmill.browse.site import OpenRun
from clipmill.inspection.preview import PART_FRAMES


def get(site, path: str) -> tuple[int, bytes]:
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=120)
    link.putrequest("GET", path, skip_host=True)
    link.putheader("Host", f"127.0.0.1:{site.port}")
    link.putheader("Cookie", f"clipmill-{site.port}={site.token}")
    link.endheaders()
    answer = link.getresponse()
    return answer.status, answer.read()


@pytest.fixture
def long_clip(ids) -> str:
    return f"/clip/{ids['long.mp4']}-000000-{LONG:06d}"


def test_a_single_frame_is_exact(counted_site, long_clip):
    status, data = get(counted_site, f"{long_clip}/frame/9876.jpg?size=full")
    assert status == 200
    picture = np.asarray(Image.open(io.BytesIO(data)), int)
    assert np.abs(picture - draw(9876)).mean() < 4


def test_layers_come_in_pieces(counted_site, long_clip):
    _, data = get(counted_site, f"{long_clip}/layers/0/83.json")
    (layers,) = json.loads(data)["objects"].values()
    assert layers["cover"]["first"] == layers["tracks"]["first"] == 83 * 120
    assert len(layers["cover"]["masks"]) == len(layers["tracks"]["points"]) == 120
    assert len(data) < 100_000
    _, data = get(counted_site, f"{long_clip}/data.json")
    assert len(data) < 100_000


@pytest.mark.parametrize(
    "path",
    [
        "/frame/10080.jpg",
        "/frame/-1.jpg",
        f"/part/{-(-LONG // PART_FRAMES)}.mp4",
        "/image/other-a00000-o00/0.png",
        "/image/..%2f..%2fmarker/0.png",
        "/layers/0/..%2f0.json",
        "/ranking.json?score=..%2f..",
        "/../../workspace/videos.parquet",
    ],
)
def test_what_the_clip_has_not_is_not_there(counted_site, long_clip, path):
    assert get(counted_site, long_clip + path)[0] == 404


@pytest.mark.parametrize(
    "clip_id",
    [
        "0123456789abcdef-000000-000100",
        "..%2f..%2fetc%2fpasswd",
        "{video}-000000-000010",
        "{video}-000000-999999",
        "nothing",
        "%00",
    ],
)
@pytest.mark.parametrize("path", ["", "/data.json", "/part/0.mp4", "/frame/0.jpg", "/thumb.jpg"])
def test_only_ids_of_the_run_are_served(counted_site, ids, clip_id, path):
    status, _ = get(counted_site, f"/clip/{clip_id.format(video=ids['long.mp4'])}{path}")
    assert status == 404


def test_videos_and_objects_lead_to_their_clip(counted_site, ids, long_clip):
    assert get(counted_site, f"{long_clip}-a00000-o00")[0] == 303
    assert get(counted_site, f"/clip/{ids['long.mp4']}")[0] == 303


def test_a_clip_that_was_split_is_shown_as_well(counted_site, ids):
    cut = ids["cut.mp4"]
    _, data = get(counted_site, f"/clip/{cut}-000000-000300/data.json")
    assert json.loads(data)["shots"]["cuts"] == [120]
    _, data = get(counted_site, f"/clip/{cut}-000120-000300/data.json")
    shots = json.loads(data)["shots"]
    assert shots["of"] == f"{cut}-000000-000300"
    assert shots["cuts"] == [0]
    assert shots["scores"][0] == pytest.approx(0.9)


def test_parts_are_kept_in_the_workspace_unless_it_is_read_only(serving, counted, ids, tmp_path):
    workspace = tmp_path / "workspace"
    shutil.copytree(counted / "workspace", workspace, ignore=lambda *_: ["browse"])
    clip = f"{ids['cut.mp4']}-000000-000120"
    with serving(str(workspace), read_only=True) as site:
        assert get(site, f"/clip/{clip}/part/0.mp4")[0] == 200
        assert not (workspace / "browse/previews" / clip).exists()
    with serving(str(workspace)) as site:
        _, made = get(site, f"/clip/{clip}/part/0.mp4")
        assert (workspace / "browse/previews" / clip / "00000.mp4").read_bytes() == made
    assert OpenRun.open(str(workspace)).reports  # and the workspace is as readable as before


def test_a_part_that_nobody_waits_for_any_more_is_not_made(serving, counted, long_clip):
    # A site that may not write keeps its parts to itself: no other test makes them meanwhile.
    with serving(str(counted / "workspace"), read_only=True) as site:
        one = OpenClips(site).get(long_clip.removeprefix("/clip/"))
        parts = KeptParts(site)
        with pytest.raises(LeftError):
            parts.part(one, 33, left=lambda: True)
        path = parts.part(one, 33, left=lambda: False)
        assert path.name == "00033.mp4"
        assert parts.part(one, 33, left=lambda: True) == path  # it is there


def test_the_list_of_the_grid_says_what_comes_next(counted_site, ids):
    catalogue = counted_site.catalogue
    keys = catalogue.keys.to_pylist()

    def place(key: str, address: str) -> dict:
        status, data = get(counted_site, f"/clip/{key}/data.json?list={quote(address)}")
        assert status == 200
        return json.loads(data)["list"]

    for address in ("", "state=kept&sort=-clip.num_frames", "state=kept&page=2&size=1", "q=mp4"):
        rows = catalogue.rows(Query.parse(parse_qsl(address)))
        listed = [keys[row] for row in rows]
        for at, key in enumerate(listed):
            found = place(key, address)
            assert (found["place"], found["count"]) == (at + 1, len(listed))
            assert found["previous"] == (listed[at - 1] if at else None)
            assert found["next"] == (listed[at + 1] if at + 1 < len(listed) else None)
    assert ids["broken.mp4"] in keys
    blurred = f"{ids['blurred.mp4']}-000000-000240"
    out = place(blurred, "state=kept")
    assert (out["place"], out["next"], out["problem"]) == (None, None, "")
    assert "no filter 'no'" in place(blurred, "no=such")["problem"]


def test_numbers_that_no_selection_reads_are_ranked_as_well(counted_site, ids):
    clip = f"{ids['blurred.mp4']}-000000-000240"
    _, data = get(counted_site, f"/clip/{clip}/data.json")
    titles = json.loads(data)["rankings"]
    assert titles[0] == "quality.clarity of quality selection"
    assert "quality.clarity" not in titles and "clip.num_frames" in titles
    status, data = get(counted_site, f"/clip/{clip}/ranking.json?score=clip.num_frames")
    found = json.loads(data)
    assert status == 200 and found["cuts"] == []
    lengths = [float(item["value"].replace(",", "")) for item in found["around"]]
    assert lengths == sorted(lengths)
    (own,) = (item for item in found["around"] if item["own"])
    assert (own["clip"], own["value"], own["kept"]) == (clip, "240", False)
    assert found["around"][found["place"] - 1] == own  # few clips: all below are there
