"""Judging over the real server, by requests and by keys in a real Chromium."""

import http.client
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_asks import address_of
from chromium_page import ChromiumPage, find_chromium

from clipmill.browse.catalogue import Query
from clipmill.browse.site import Site
from clipmill.clips import Clip
from clipmill.review import ReviewStore
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace

SCRIPT = "<img src=x onerror=window.pwned=1>"


@pytest.fixture
def judged(workspace: str, tmp_path: Path) -> str:
    shutil.copytree(workspace, tmp_path / "workspace")
    return str(tmp_path / "workspace")


@pytest.fixture
def judging(judged: str, serving) -> Iterator[Site]:
    with serving(judged, judge="Ann") as site:
        yield site


def clips_of(workspace: str) -> list[str]:
    return list(dict.fromkeys(row.clip_id for row in read_samples(Workspace.open(workspace))))


def ask(site: Site, path: str, body: object = None, *, raw: bytes | None = None, **headers: str):
    """Return status and answer."""
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    named = {"Cookie": f"clipmill-{site.port}={site.token}"}
    named |= {"Origin": f"http://127.0.0.1:{site.port}"} | headers
    data = json.dumps(body).encode() if body is not None else raw
    link.request("POST" if data is not None else "GET", path, data, named)
    answer = link.getresponse()
    text = answer.read()
    is_json = answer.headers["content-type"] == "application/json"
    return answer.status, json.loads(text) if is_json else text


def test_what_is_posted_is_a_row_of_the_workspace(judging, judged):
    clip = clips_of(judged)[0]
    status, found = ask(judging, "/judgements", {"target": clip, "kind": "drop", "value": SCRIPT})
    assert (status, found["clip"]["verdict"]) == (200, "drop")
    (row,) = ReviewStore.open(judged).state().standing.values()
    assert (row.who, row.value, row.id) == ("Ann", SCRIPT, found["id"])
    status, found = ask(judging, f"/judgements?clips={clip}")
    assert found["clips"][clip]["verdict"] == "drop"
    status, undone = ask(judging, f"/judgements/{found['clips'][clip]['last']}/undo", {})
    assert (status, undone["clip"]["verdict"]) == (200, "")


def test_an_object_is_kept_with_its_box(judging, judged):
    sample = next(iter(read_samples(Workspace.open(judged))))
    name = sample.objects[0].object_id
    assert ask(judging, "/judgements", {"target": name, "kind": "drop_object"})[0] == 200
    (row,) = ReviewStore.open(judged).state().standing.values()
    assert row.box == sample.objects[0].box
    assert row.anchor == sample.start + sample.anchor


def test_bodies_that_cannot_be_taken_are_refused_with_words(judging, judged):
    clip = clips_of(judged)[0]
    for body, words in [
        ({"target": clip, "kind": "eat"}, "kind: Input should be 'keep'"),
        ({"target": clip, "kind": "keep", "who": "Bob"}, "who: Extra inputs"),
        ({"target": clip, "kind": "undo"}, "/judgements/ID/undo"),
        ({"target": "../../etc/passwd", "kind": "keep"}, "not a clip id"),
        ({"target": clip, "kind": "caption", "value": "x" * 5000}, "at most 4000"),
        ({"target": clip, "kind": "tag", "value": "\x1b[2J"}, "U+001B"),
        ({"target": "f" * 16 + clip[16:], "kind": "keep"}, "did not have"),
        ({"target": f"{clip}-a00000-o99", "kind": "drop_object"}, "no object of the last run"),
        (["not", "an", "object"], "Said"),
    ]:
        status, found = ask(judging, "/judgements", body)
        assert status == 400
        assert words in found["problem"] or words == "Said"
    big = json.dumps({"target": clip, "kind": "caption", "value": "x" * 10_000_000}).encode()
    assert ask(judging, "/judgements", raw=big)[0] == 413
    assert ask(judging, "/judgements/0000000000000000/undo", {})[0] == 400
    assert len(ReviewStore.open(judged).state()) == 0


def test_nobody_else_and_no_read_only_server_writes(judging, judged, serving):
    body = {"target": clips_of(judged)[0], "kind": "keep"}
    assert ask(judging, "/judgements", body, Origin="https://evil.example")[0] == 403
    assert ask(judging, "/judgements", body, Cookie="")[0] == 401
    with serving(judged, judge="Ann", read_only=True) as site:
        assert ask(site, "/judgements", body)[0] == 403
    assert len(ReviewStore.open(judged).state()) == 0


def test_two_servers_on_one_workspace_see_each_other(judging, judged, serving):
    clip = clips_of(judged)[0]
    with serving(judged, judge="Bob") as other:
        ask(judging, "/judgements", {"target": clip, "kind": "keep"})
        ask(other, "/judgements", {"target": clip, "kind": "drop"})
        _, found = ask(judging, f"/judgements?clips={clip}")
    assert found["clips"][clip]["verdict"] == "conflict"
    assert found["clips"][clip]["conflicts"] == 1


def test_the_poster_is_a_picture_of_a_known_clip(judging, judged):
    clip = clips_of(judged)[0]
    status, data = ask(judging, f"/judge/poster/{clip}")
    assert (status, data[:3]) == (200, b"\xff\xd8\xff")
    assert ask(judging, f"/judge/poster/{clip[:16]}-000000-999999")[0] == 404
    assert ask(judging, "/judge/poster/..%2f..%2fetc")[0] == 404


@pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")
def test_judging_by_keys(judging, judged, tmp_path):
    clips = clips_of(judged)
    address = judging.address.replace("/?", f"/judge?clips={','.join(clips)}&")
    with ChromiumPage(address) as page:

        def press(key: str) -> None:
            page.press(key, text=key)

        def said(clip: str, words: str) -> None:
            page.wait_for(
                f"document.querySelector('[data-clip=\"{clip}\"] .judge-said').textContent"
                f".includes({json.dumps(words)})"
            )

        def write(key: str, text: str) -> None:
            press(key)
            page.wait_for("document.activeElement.id === 'judge-field'")
            page.evaluate(f"document.activeElement.value = {json.dumps(text)}")
            page.press("Enter", text="\r")

        page.wait_for("document.querySelector('.judge-state').textContent.includes('Ann')")
        press("s")
        said(clips[0], "★")
        write("t", SCRIPT)
        said(clips[0], SCRIPT)
        write("c", SCRIPT + " corrected")
        said(clips[0], "caption corrected")
        press("k")
        said(clips[0], "keep")
        press("d")
        said(clips[1], "drop")
        press("u")
        page.wait_for(
            f"document.querySelector('[data-clip=\"{clips[1]}\"]').dataset.verdict === ''"
        )
        page.screenshot(tmp_path / "judge.png")
        assert page.evaluate("window.pwned") is None
    state = ReviewStore.open(judged).state()
    first = state.of_clip(Clip.parse(clips[0]))
    assert (first.verdict, first.tags) == ("keep", (SCRIPT,))
    assert first.caption_at(0).value == SCRIPT + " corrected"
    assert state.of_clip(Clip.parse(clips[1])).verdict == ""


@pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")
def test_the_chosen_clip_plays_and_the_next_one_is_loaded(judging, judged):
    names = clips_of(judged)
    clips = [name for name in names if Clip.parse(name).num_frames >= 20][:2]
    address = judging.address.replace("/?", f"/judge?clips={','.join(clips)}&")

    def video(clip: str) -> str:
        return f"document.querySelector('[data-clip=\"{clip}\"] video')"

    with ChromiumPage(address) as page:
        page.wait_for(f"{video(clips[0])}?.currentTime > 0 && !{video(clips[0])}.paused")
        shown = page.evaluate(
            f"(({{ muted, loop, duration, poster }}) => [muted, loop, duration, poster])"
            f"({video(clips[0])})"
        )
        one = judging.catalogue.clip(clips[0])
        rate = judging.run.probe_of(judging.run.listing.find(one.video_id)).fps
        assert shown[:2] == [True, True]
        assert shown[2] == pytest.approx(one.num_frames / rate, abs=1.5 / rate)
        assert shown[3].endswith(f"/judge/poster/{clips[0]}")
        # Ready before anybody asks for it, and not playing yet.
        page.wait_for(f"{video(clips[1])}?.readyState >= 3")
        assert page.evaluate(f"{video(clips[1])}.paused")
        page.press(" ", text=" ")
        page.wait_for(f"{video(clips[0])}.paused")
        assert page.evaluate("scrollY === 0")
        page.press(" ", text=" ")
        page.wait_for(f"!{video(clips[0])}.paused")
        page.press("k", text="k")
        page.wait_for(f"{video(clips[1])}.currentTime > 0 && {video(clips[0])}.paused")
        page.wait_for(
            f"document.querySelector('[data-clip=\"{clips[0]}\"]').dataset.verdict === 'keep'"
        )
        here = f"asked the network for http://127.0.0.1:{judging.port}/"
        assert [error for error in page.errors if not error.startswith(here)] == []


@pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")
def test_a_clip_that_cannot_be_played_says_why(tiny, serving):
    with serving(tiny.root) as site:
        clip = next(name for name in site.catalogue.clip_ids.to_pylist() if name)
        Path(site.run.listing.find(clip[:16]).uri).unlink()
        with ChromiumPage(site.address.replace("/?", f"/judge?clips={clip}&")) as page:
            page.wait_for("document.querySelector('.judge-unplayed').textContent")
            said = page.evaluate("document.querySelector('.judge-unplayed').textContent")
            assert page.evaluate("document.querySelector('video')") is None
    assert said.startswith("not played: ") and ".mp4" in said


def test_a_correction_begins_with_what_there_is(judging, judged):
    sample = next(iter(read_samples(Workspace.open(judged))))
    status, found = ask(judging, f"/judgements/{sample.clip_id}/given")
    assert status == 200
    assert found["caption"] == sample.caption
    assert sample.objects[0].object_id in {entry["id"] for entry in found["objects"]}
    assert all("at frame" in entry["text"] for entry in found["objects"])
    unknown = f"{sample.clip_id[:16]}-000000-999999"
    assert ask(judging, f"/judgements/{unknown}/given")[0] == 400
    assert ask(judging, "/judgements/..%2f..%2fetc/given")[0] == 404


def test_the_page_of_judging_takes_a_list_of_the_grid(judging, judged):
    def shown(path: str) -> list[str]:
        status, page = ask(judging, path)
        assert status == 200
        return re.findall(r'<li class="judge-card" data-clip="([^"]+)"', page.decode())

    assert sorted(shown("/judge")) == sorted(clips_of(judged))
    rows = judging.catalogue.rows(Query.parse([("state", "dropped"), ("sort", "-path")]))
    dropped = [clip for clip in judging.catalogue.clip_ids.take(rows).to_pylist() if clip]
    assert shown("/judge?state=dropped&sort=-path") == dropped != []
    assert shown("/judge?state=dropped&sort=-path&size=1&page=2") == dropped[1:2]
    assert b'rel="prev"' in ask(judging, "/judge?state=dropped&size=1&page=2")[1]
    assert shown(f"/judge?clips={dropped[-1]},{dropped[0]}") == [dropped[-1], dropped[0]]
    assert ask(judging, "/judge?no=such")[0] == 400
    assert ask(judging, f"/judge?clips={dropped[0][:16]}-000000-999999")[0] == 400


@pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")
def test_an_object_is_dropped_by_keys_in_the_grid_and_read_only_shows_it(judging, judged, serving):
    clip = clips_of(judged)[0]
    card = f"document.querySelector('.card[data-clip=\"{clip}\"]')"
    said = f"{card}.querySelector('.judge-said').textContent"
    with ChromiumPage(address_of(judging, "/clips")) as page:
        assert page.evaluate("document.querySelector('.judge-bar').hidden")
        page.evaluate(f"{card}.focus()")
        page.wait_for("!document.querySelector('.judge-bar').hidden")
        page.press("o", text="o")
        page.wait_for("document.activeElement.id === 'judge-field'")
        chosen = page.evaluate("document.activeElement.value")
        page.press("Enter", text="\r")
        page.wait_for(f"{said} === '1 object dropped'")
        assert page.evaluate(f"document.activeElement === {card}")
        page.press("n", text="n")  # a note, not the next page
        page.wait_for("document.activeElement.id === 'judge-field'")
        page.type(SCRIPT)
        page.press("Enter", text="\r")
        page.wait_for(f"{said} === '1 object dropped · 1 note'")
        page.press("?", text="?")
        page.press("d", text="d")  # of no effect behind the help
        assert page.evaluate("document.querySelector('dialog').open")
    rows = list(ReviewStore.open(judged).state().standing.values())
    assert sorted(row.kind for row in rows) == ["drop_object", "note"]
    assert next(row for row in rows if row.kind == "drop_object").object_id == chosen
    with serving(judged, read_only=True) as site:
        for path in ("/clips", f"/clip/{clip}"):
            with ChromiumPage(address_of(site, path)) as page:
                page.wait_for(
                    f"document.querySelector('[data-clip=\"{clip}\"] .judge-said').textContent"
                    " === '1 object dropped · 1 note'"
                )
                assert page.evaluate("document.querySelector('.judge-bar')") is None
                page.press("?", text="?")
                assert "undo" not in page.evaluate("document.querySelector('dialog').innerText")
