"""The page of a clip in a real browser, against a real server; needs Chromium."""

from contextlib import contextmanager

import pytest
from chromium_page import ChromiumPage, find_chromium
from counted_backends import ENTERS, HIDDEN, TEXT, TEXT_FRAMES
from counted_clips import BOX, EVIL, HEIGHT, LONG, READ_NUMBER, WIDTH, box_left
from shown_clip import PAINTED, STATE, settle

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium on PATH (apt-get install chromium)"
)


@contextmanager
def opened(site, path: str, **size):
    token = f"{'&' if '?' in path else '?'}token={site.token}"
    with ChromiumPage(f"http://127.0.0.1:{site.port}{path}{token}", **size) as page:
        yield page
        own = f"asked the network for http://127.0.0.1:{site.port}/"
        # A neighbour whose video is gone has no picture.
        told = [e for e in page.errors if not e.startswith(own) and "/thumb/" not in e]
        assert told == []


@pytest.fixture(scope="module")
def long_page(counted_site, ids):
    with opened(counted_site, f"/clip/{ids['long.mp4']}-000000-{LONG:06d}") as page:
        settle(page, 0)
        yield page


def seek(page: ChromiumPage, frame: int) -> None:
    page.evaluate(
        f"(() => {{ const s = document.getElementById('seek'); s.value = {frame};"
        "s.dispatchEvent(new Event('input')); })()"
    )
    settle(page, frame)


def only(page: ChromiumPage, *layers: str) -> int:
    """Switch layers on and all others off; return the pixels that are drawn."""
    page.evaluate(
        "document.querySelectorAll('[data-layer]').forEach((box) => {"
        f"box.checked = {list(layers)!r}.includes(box.dataset.layer);"
        "box.dispatchEvent(new Event('change')); })"
    )
    return page.evaluate(PAINTED)


def test_every_step_shows_the_frame_that_the_counter_says(long_page):
    seek(long_page, 236)
    for frame in range(237, 244):  # over the border of two parts
        long_page.press("ArrowRight")
        settle(long_page, frame)
    for frame in range(242, 237, -1):
        long_page.press("ArrowLeft")
        settle(long_page, frame)
    long_page.press("ArrowRight", shift=True)
    settle(long_page, 248)
    long_page.press("ArrowLeft", shift=True)
    settle(long_page, 238)
    long_page.press("End")
    settle(long_page, LONG - 1)
    long_page.press("ArrowRight")
    settle(long_page, LONG - 1)
    long_page.press("Home")
    settle(long_page, 0)


@pytest.mark.parametrize("frame", [1, 499, 500, 4_801, 7_199, 9_999, 10_001, LONG - 2])
def test_every_frame_of_a_long_clip_can_be_reached(long_page, frame):
    seek(long_page, frame)


def test_many_wishes_in_a_row_end_at_the_last(long_page):
    seek(long_page, 1000)
    for _ in range(12):
        long_page.press("ArrowRight")
    settle(long_page, 1012)


def test_leaps_that_overtake_each_other_end_at_the_last(long_page):
    for frame in (2_000, 8_600, 3_100, 9_400, 5_200, 2_000, 6_666):
        long_page.evaluate(
            f"(() => {{ const s = document.getElementById('seek'); s.value = {frame};"
            "s.dispatchEvent(new Event('input')); })()"
        )
        long_page.evaluate("new Promise((done) => setTimeout(done, 15))")
    settle(long_page, 6_666)
    assert long_page.evaluate("document.getElementById('problem').hidden")
    seek(long_page, 2_000)  # of a part that was called off


def test_while_it_plays_number_and_picture_agree(long_page):
    seek(long_page, 200)
    long_page.evaluate(
        f"""window.seen = []; window.watch = new MutationObserver(() => window.seen.push(
        [Number({STATE}.frame), {READ_NUMBER}])); window.watch.observe(
        document.documentElement, {{attributes: true, attributeFilter: ["data-frame"]}})"""
    )
    long_page.press(" ", code="Space", text=" ")
    long_page.wait_for(f"Number({STATE}.frame) > 300")
    long_page.press(" ", code="Space", text=" ")
    long_page.wait_for("document.getElementById('toggle').textContent === 'play'")
    seen = long_page.evaluate("window.watch.disconnect(), window.seen")
    assert [pair for pair in seen if pair[0] != pair[1]] == []
    assert any(frame < 240 for frame, _ in seen) and any(frame >= 240 for frame, _ in seen)
    settle(long_page, long_page.evaluate(f"Number({STATE}.frame)"))


def test_each_layer_is_drawn_and_can_be_switched(long_page):
    seek(long_page, 40)
    counts = {name: only(long_page, name) for name in ("tracks", "masks", "boxes", "regions")}
    counts["camera"] = only(long_page, "camera")
    assert only(long_page) == 0
    assert all(count > 100 for count in counts.values()), counts
    long_page.press("2", text="2")
    assert long_page.evaluate("document.querySelector('[data-layer=masks]').checked")
    assert long_page.evaluate(PAINTED) == counts["masks"]
    lines = "document.getElementById('lines').clientHeight"
    without = long_page.evaluate(lines)
    long_page.press("6", text="6")
    assert long_page.evaluate(lines) > without + 20
    long_page.wait_for("location.search.includes('off=')")


@pytest.mark.parametrize("frame", [0, 119, 120, 241, 5_000, 9_990])
def test_the_mask_lies_on_the_box_it_belongs_to(long_page, frame):
    seek(long_page, frame)
    only(long_page, "masks")
    x, y = long_page.evaluate(
        f"""(() => {{
          const canvas = document.getElementById("overlay"), w = canvas.width, h = canvas.height;
          const data = canvas.getContext("2d").getImageData(0, 0, w, h).data;
          let x = 0, y = 0, n = 0;
          for (let k = 3; k < data.length; k += 4) if (data[k]) {{
            n += 1; x += ((k - 3) / 4) % w; y += Math.floor((k - 3) / 4 / w);
          }}
          return [x / n / w * {WIDTH}, y / n / h * {HEIGHT}];
        }})()"""
    )
    assert abs(x - (box_left(frame) + BOX / 2)) < 0.8
    assert abs(y - (50 + BOX / 2)) < 0.8


def test_what_is_hidden_is_drawn_otherwise(long_page):
    seek(long_page, HIDDEN.start - 1)
    seen = only(long_page, "tracks")
    seek(long_page, HIDDEN.start + 50)
    hidden = only(long_page, "tracks")
    assert 0 < hidden < 0.8 * seen
    assert only(long_page, "masks") == 0
    events = long_page.evaluate("document.getElementById('facts').textContent")
    assert "box is hidden" in events and "box is seen again" in events
    assert "box enters the region free" in events


def test_a_frame_of_an_event_is_one_click_away(long_page):
    seek(long_page, 400)
    long_page.evaluate(
        f"[...document.querySelectorAll('button.link')].find((b) => b.textContent === '{ENTERS}')"
        ".click()"
    )
    settle(long_page, ENTERS)


def test_a_click_on_the_time_line_leads_there(long_page):
    seek(long_page, 0)
    long_page.evaluate(
        """(() => { const c = document.getElementById("lines"), r = c.getBoundingClientRect();
        c.setPointerCapture = () => {};
        c.dispatchEvent(new PointerEvent("pointerdown", {buttons: 1, pointerId: 1,
          clientX: r.left + r.width / 2, clientY: r.top + 5})); })()"""
    )
    long_page.wait_for(f"Math.abs(Number({STATE}.frame) - {LONG // 2}) < 12")


def test_identity_images_camera_and_shots_are_there(long_page):
    long_page.wait_for(
        "[...document.querySelectorAll('.thumbs img')].length === 1 &&"
        "[...document.querySelectorAll('.thumbs img')].every((i) => i.complete && i.naturalWidth)"
    )


TEXT_SHOWN = f"""(() => {{
  const canvas = document.getElementById("overlay"), w = canvas.width, h = canvas.height;
  const data = canvas.getContext("2d").getImageData(0, 0, w, h).data;
  const xs = [], ys = [];
  for (let k = 0; k < data.length; k += 4) {{
    if (data[k] < 180 || data[k + 1] < 220 || data[k + 2] > 120) continue;
    xs.push((k / 4 % w) / w * {WIDTH});
    ys.push(Math.floor(k / 4 / w) / h * {HEIGHT});
  }}
  return [Math.min(...xs), Math.max(...xs), Math.max(...ys), xs.length];
}})()"""
"""Gives left, right, lower edge and number of pixels in the colour of the text layer."""

TEXT_NAME = "document.getElementById('text-name').textContent"
TEXT_NOTE = "document.getElementById('text-note').textContent"


def test_text_is_drawn_where_it_was_found_and_held_until_somebody_looked_again(long_page):
    first, next_look = TEXT_FRAMES
    drawn = {}
    for frame in (0, first - 1, first, first + 1, next_look - 1, next_look):
        seek(long_page, frame)
        drawn[frame] = only(long_page, "text") and long_page.evaluate(TEXT_SHOWN)
    assert drawn[0] == drawn[first - 1] == drawn[next_look] == 0
    left, right, bottom, solid = drawn[first]
    assert abs(left - TEXT[0, :, 0].min()) < 2 and abs(right - TEXT[0, :, 0].max()) < 2
    assert abs(bottom - TEXT[0, :, 1].max()) < 2
    dashed = drawn[first + 1]
    assert dashed[:2] == pytest.approx([left, right], abs=2) and dashed[2:] != [bottom, solid]
    assert drawn[next_look - 1] == dashed


def test_the_text_layer_has_a_key_and_its_frames_are_links(long_page):
    seek(long_page, TEXT_FRAMES[0])
    only(long_page)
    long_page.press("8", text="8")
    assert long_page.evaluate("document.querySelector('[data-layer=text]').checked")
    assert long_page.evaluate(PAINTED) > 100
    long_page.press("8", text="8")
    assert long_page.evaluate(PAINTED) == 0
    assert long_page.evaluate(TEXT_NAME) == "text"
    note = f"text: 1.0 % of the picture, 1.5 boxes a frame; at frame {TEXT_FRAMES[0]}"
    assert long_page.evaluate(TEXT_NOTE) == note
    seek(long_page, 0)
    long_page.evaluate("document.querySelector('#text-note button').click()")
    settle(long_page, TEXT_FRAMES[0])


@pytest.mark.parametrize(
    ("name", "label", "note"),
    [
        ("cut.mp4", "no text found", "text: none was found; looked at frame 0"),
        (EVIL, "text: not known", "; where it stands is in no row"),
    ],
)
def test_without_text_the_switch_says_so(counted_site, ids, name, label, note):
    end = 120 if name == "cut.mp4" else 260
    with opened(counted_site, f"/clip/{ids[name]}-000000-{end:06d}") as page:
        settle(page, 0)
        assert page.evaluate(TEXT_NAME) == label
        assert page.evaluate(TEXT_NOTE).endswith(note)
        assert page.evaluate("document.querySelector('[data-layer=text]').disabled")
        assert only(page, "text") == 0
        page.press("8", text="8")
        page.wait_for("location.search.includes('off=')")
        assert "text" not in page.evaluate("location.search")


def test_the_address_leads_back_to_the_view(counted_site, ids):
    clip = f"{ids['long.mp4']}-000000-{LONG:06d}"
    with opened(counted_site, f"/clip/{clip}?frame=8123&off=masks,boxes&list=state%3Dkept") as page:
        settle(page, 8123)
        assert page.evaluate("document.querySelector('[data-layer=masks]').checked") is False
        page.press("ArrowRight")
        page.wait_for("location.search.includes('frame=8124')")
        assert "list=state%3Dkept" in page.evaluate("location.search")
        assert page.evaluate("document.getElementById('back-to-list').search") == "?state=kept"


def test_keys_walk_through_the_list(counted_site, ids):
    cut = ids["cut.mp4"]
    with opened(counted_site, f"/clip/{cut}-000000-000120?list=path%3Dcut") as page:
        page.wait_for(f"{STATE}.open")
        page.press(".", text=".")
        page.wait_for(f"{STATE}.open === '{cut}-000120-000300'")
        assert page.evaluate("location.search").startswith("?list=path%3Dcut")
        page.wait_for(f"{STATE}.layers === '0'")
        assert page.evaluate(READ_NUMBER) == 120  # frame 0 of the clip is 120 of the video
        page.press(",", text=",")
        page.wait_for(f"{STATE}.open === '{cut}-000000-000120'")
        page.press("?", text="?")
        assert page.evaluate("document.getElementById('help').open")


def test_verdicts_and_neighbours_are_told(counted_site, ids):
    with opened(counted_site, f"/clip/{ids['blurred.mp4']}-000000-000240") as page:
        page.wait_for("document.querySelectorAll('.strip').length === 3")
        chain = page.evaluate("document.getElementById('chain').innerText")
        assert "blurred" in chain and "dropped" in chain and "50" in chain and "100" in chain
        strips = page.evaluate(
            "[...document.querySelectorAll('.strip')].map("
            "(s) => [...s.querySelectorAll('a span')].map((a) => a.textContent))"
        )
        assert strips[1] == ["50"]  # just dropped
        assert strips[2] == ["212", "218", "225", "226"]  # just kept
        page.wait_for(
            "[...document.querySelectorAll('.neighbour img')].filter((i) => i.naturalWidth).length"
            " >= 6"
        )


def test_a_hostile_name_stays_text(counted_site, ids):
    with opened(counted_site, f"/clip/{ids[EVIL]}-000000-000260") as page:
        settle(page, 0)
        assert page.evaluate("document.getElementById('title').textContent") == EVIL
        assert page.evaluate("typeof window.pwned") == "undefined"
        assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.fixture
def refused(counted_site):
    """Open a page on which something cannot be loaded, which the browser logs."""

    @contextmanager
    def look(path: str):
        address = f"http://127.0.0.1:{counted_site.port}{path}?token={counted_site.token}"
        with ChromiumPage(address) as page:
            page.wait_for(f"{STATE}.problem === 'shown'")
            yield page

    return look


def test_a_clip_that_is_gone_shows_why_and_all_else(refused, ids):
    with refused(f"/clip/{ids['gone.mp4']}-000000-000250") as page:
        problem = page.evaluate("document.getElementById('problem').innerText")
        assert "gone.mp4" in problem and "does not exist" in problem
        assert "quality.clarity" in page.evaluate("document.getElementById('chain').innerText")
        assert "box" in page.evaluate("document.getElementById('facts').innerText")
        page.wait_for(f"{STATE}.open")


def test_a_file_that_is_no_video_shows_why(refused, ids):
    with refused(f"/clip/{ids['broken.mp4']}") as page:
        problem = page.evaluate("document.getElementById('problem').innerText")
        assert "cannot be read as a video" in problem
        assert "failed" in page.evaluate("document.getElementById('chain').innerText")


def test_it_fits_a_phone(counted_site, ids):
    path = f"/clip/{ids['long.mp4']}-000000-{LONG:06d}"
    with opened(counted_site, path, width=390, height=844, dark=True) as page:
        settle(page, 0)
        page.wait_for("document.querySelectorAll('.strip').length > 0")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
