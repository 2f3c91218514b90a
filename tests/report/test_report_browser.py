"""The report in a real browser, opened from disk. Needs Chromium, nothing else."""

import json
import shutil
from pathlib import Path

import pytest
from chromium_page import ChromiumPage, find_chromium
from shown_clip import PAINTED
from truthful_run import HOSTILE

from clipmill.pipeline.walk import walk

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium on PATH (apt-get install chromium)"
)

READY = (
    "document.getElementById('video').readyState >= 2"
    " && document.getElementById('counter').textContent !== ''"
)
FRAME = "Number(document.getElementById('seek').value)"


@pytest.fixture(scope="module")
def browser(report: Path):
    with ChromiumPage(report.as_uri()) as page:
        yield page
        assert page.errors == []


def card(path: str) -> str:
    return (
        "[...document.querySelectorAll('.card')].find((c) => "
        f"c.querySelector('.name').textContent === {path!r})"
    )


def only(page: ChromiumPage, *layers: str) -> None:
    """Switch layers on and all others off."""
    page.evaluate(
        "document.querySelectorAll('[data-layer]').forEach((box) => {"
        f"box.checked = {list(layers)!r}.includes(box.dataset.layer);"
        "box.dispatchEvent(new Event('change')); })"
    )


def seek(page: ChromiumPage, frame: int) -> None:
    page.evaluate(
        f"(() => {{ const s = document.getElementById('seek'); s.value = {frame};"
        "s.dispatchEvent(new Event('input')); })()"
    )
    page.wait_for(
        f"{FRAME} === {frame} && !document.getElementById('video').seeking && "
        f"document.getElementById('counter').textContent.startsWith('frame {frame} ')"
    )


def open_card(page: ChromiumPage, path: str) -> None:
    page.evaluate(f"{card(path)}.click()")
    page.wait_for(f"document.documentElement.dataset.open === {card(path)}.dataset.clip")
    # Only then has the page begun to play it, so that a seek after this has the last word.
    page.wait_for(f"document.documentElement.dataset.ready === {card(path)}.dataset.clip")
    page.wait_for(READY)
    only(page, "tracks", "masks", "boxes", "regions")


def test_the_funnel_is_in_the_page(browser, run):
    for outcome in walk(*run):
        text = browser.evaluate(
            f"document.querySelector('[data-step=\"{outcome.title}\"] .flow').textContent"
        )
        assert f"{outcome.entering} → {outcome.leaving}" in text


def test_posters_are_shown(browser):
    browser.evaluate("document.querySelectorAll('img').forEach((i) => { i.loading = 'eager'; })")
    browser.wait_for(
        "[...document.querySelectorAll('.poster img')].every((i) => i.complete && i.naturalWidth)"
    )


def test_a_clip_plays_with_its_overlay(browser):
    open_card(browser, "walk/flower & cup.mp4")
    browser.wait_for("document.getElementById('video').currentTime > 0.3")
    assert browser.evaluate(PAINTED) > 1000
    assert browser.evaluate("document.querySelectorAll('.object').length") == 2
    browser.wait_for(
        "[...document.querySelectorAll('.thumbs img')].every((i) => i.complete && i.naturalWidth)"
    )


def test_layers_can_be_switched(browser):
    open_card(browser, "walk/flower.mp4")
    seek(browser, 30)
    painted = {}
    for layer in ("tracks", "masks", "boxes", "regions"):
        only(browser, layer)
        painted[layer] = browser.evaluate(PAINTED)
    only(browser)
    assert browser.evaluate(PAINTED) == 0
    assert all(count > 100 for count in painted.values()), painted
    assert painted["masks"] > painted["tracks"]


def test_the_overlay_lies_on_the_object_at_every_frame(browser):
    """The mask's outline must cover the flower, not where it was some frames ago."""
    open_card(browser, "walk/flower.mp4")
    only(browser, "masks")
    middle = """(() => {
      const canvas = document.getElementById("overlay"), w = canvas.width, h = canvas.height;
      const data = canvas.getContext("2d").getImageData(0, 0, w, h).data;
      let x = 0, y = 0, n = 0;
      for (let k = 3; k < data.length; k += 4) if (data[k]) {
        n += 1; x += ((k - 3) / 4) % w; y += Math.floor((k - 3) / 4 / w);
      }
      return [x / n / w * 384, y / n / h * 216];
    })()"""
    for frame in (0, 25, 60):
        seek(browser, frame)
        x, y = browser.evaluate(middle)
        # the flower's own path plus the camera's pan, see `truthful_run`
        assert abs(x - (70 + 1.7 * frame - 0.6 * frame)) < 2.5
        assert abs(y - (90 + 0.3 * frame)) < 2.5


def test_a_link_opens_its_clip(report):
    name = next((report.parent / "data").glob("*.js")).stem
    with ChromiumPage(f"{report.as_uri()}#clip={name}", dark=True) as page:
        page.wait_for(f"document.documentElement.dataset.open === {name!r}")
        page.wait_for(READY)
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert page.errors == []
    assert background == "rgb(18, 21, 24)"


@pytest.mark.parametrize(
    ("facts", "seconds", "seen"),
    [
        ({"lead": 20, "frames": 80}, 50.5, 30),  # begins 20 frames before the clip
        ({"shown": [0, 8, 25, 70], "frames": 80}, 2.5, 25),  # has these frames only
    ],
)
def test_frames_of_a_preview_are_found(report, tmp_path, facts, seconds, seen):
    shutil.copytree(report.parent, tmp_path / "copy")
    for path in (tmp_path / "copy" / "data").glob("*.js"):
        clip = json.loads(path.read_text("ascii")[len("clipmillClip(") : -3]) | facts
        path.write_text(f"clipmillClip({json.dumps(clip)});\n", "ascii")
    with ChromiumPage((tmp_path / "copy" / report.name).as_uri()) as page:
        open_card(page, "walk/flower.mp4")
        page.evaluate("document.getElementById('video').pause()")
        seek_bar = "document.getElementById('seek')"
        page.evaluate(f"{seek_bar}.value = 30; {seek_bar}.dispatchEvent(new Event('input'))")
        page.wait_for(f"{FRAME} === {seen} && !document.getElementById('video').seeking")
        shown_at = page.evaluate("document.getElementById('video').currentTime")
        assert shown_at == pytest.approx(seconds / clip["rate"], abs=1e-3)
        page.press("ArrowRight")
        page.wait_for(f"{FRAME} === {seen + 1 if 'lead' in facts else 70}")
        # At the end it goes round, to the first frame of the clip.
        page.evaluate("document.getElementById('toggle').click()")
        page.wait_for(f"{FRAME} > 60")
        page.wait_for(f"{FRAME} < 20")
        assert page.errors == []


def test_keys_work(browser):
    open_card(browser, "walk/flower.mp4")
    browser.evaluate("document.getElementById('video').pause()")
    seek(browser, 10)
    browser.evaluate("document.getElementById('toggle').focus()")
    browser.press("ArrowRight")
    browser.wait_for(f"{FRAME} === 11")
    browser.press("m", text="m")
    assert browser.evaluate("document.querySelector('[data-layer=masks]').checked") is False
    browser.press("]", text="]")
    browser.wait_for(
        f"document.documentElement.dataset.open !== {card('walk/flower.mp4')}.dataset.clip"
    )
    browser.press("Escape")
    browser.wait_for("!document.getElementById('player').open")
    assert browser.evaluate("location.hash") == ""


def test_filters_hide_cards(browser):
    browser.evaluate("document.querySelector('[data-filter=dropped]').click()")
    groups = browser.evaluate(
        "[...document.querySelectorAll('.card:not([hidden])')].map((c) => c.dataset.group)"
    )
    assert groups and set(groups) == {"dropped"}
    browser.evaluate("document.querySelector('[data-filter=\"\"]').click()")
    assert browser.evaluate("document.querySelectorAll('.card[hidden]').length") == 0


def test_hostile_texts_stay_texts(browser):
    evil = 'evil <img src=x onerror=window.pwned=1>, "é".mp4'
    open_card(browser, evil)
    assert browser.evaluate("document.getElementById('player-title').textContent") == evil
    assert HOSTILE in browser.evaluate(
        "document.querySelector('#facts .quote').parentElement.parentElement.textContent"
    )
    assert browser.evaluate("typeof window.pwned") == "undefined"
    assert browser.evaluate("document.querySelectorAll('img[src=x]').length") == 0


@pytest.mark.parametrize("width", [1400, 390])
def test_labels_of_the_time_line_do_not_overlap(report, width, tmp_path):
    marks = """(() => {
      const box = (node) => node.getBoundingClientRect();
      const boxes = [...document.querySelectorAll('#marks span')].map(box);
      const place = box(document.getElementById('marks'));
      const clash = (a, b) => a.left < b.right && b.left < a.right
        && a.top < b.bottom && b.top < a.bottom;
      return {
        count: boxes.length,
        clashes: boxes.filter((a, i) => boxes.some((b, j) => i < j && clash(a, b))).length,
        outside: boxes.filter((b) => b.left < place.left - 1 || b.right > place.right + 1
          || b.bottom > place.bottom + 1).length,
      };
    })()"""
    # Marks within a few frames and at both ends, as clips of short visits have.
    shutil.copytree(report.parent, tmp_path / "copy")
    for path in (tmp_path / "copy" / "data").glob("*.js"):
        clip = json.loads(path.read_text("ascii")[len("clipmillClip(") : -3])
        for number, thing in enumerate(clip["objects"]):
            thing["anchor"] = clip["anchors"][0]["index"]
            thing["enter"], thing["exit"] = 1 + number, clip["frames"] - 2 - number
            for region in thing["regions"][:1]:
                region["enter"], region["exit"] = 3, clip["frames"] - 1
        path.write_text(f"clipmillClip({json.dumps(clip)});\n", "ascii")
    with ChromiumPage((tmp_path / "copy" / report.name).as_uri(), width=width) as page:
        for path in ("walk/flower & cup.mp4", "walk/flower.mp4", "flower.mp4"):
            open_card(page, path)
            found = page.evaluate(marks)
            assert found["count"] >= 3
            assert (found["clashes"], found["outside"]) == (0, 0)


def test_a_phone_shows_failures_without_scrolling_sideways(report):
    with ChromiumPage(report.as_uri(), width=390, height=844) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        wide = (
            "[...document.querySelectorAll('table.stacked td')].filter((cell) => {"
            "const box = cell.getBoundingClientRect();"
            "return box.right > innerWidth || cell.scrollWidth > cell.clientWidth + 1; }).length"
        )
        assert page.evaluate("document.querySelectorAll('#failures td').length") >= 8
        assert page.evaluate(wide) == 0
        label = "getComputedStyle(document.querySelector('#failures td.error'), '::before').content"
        assert "error" in page.evaluate(label)
