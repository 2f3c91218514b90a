"""The grid in a real browser."""

import json
import re

import pytest
from browser_asks import address_of, ask, text_of
from chromium_page import ChromiumPage, find_chromium
from served_site import served
from tiny_run import SCRIPT

chromium = pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")


def problems(page: ChromiumPage, *known: str) -> list[str]:
    """Return what went wrong in a page, without requests to this server."""
    told = [text for text in page.errors if not text.startswith("asked the network for http://127")]
    return [text for text in told if not any(word in text for word in known)]


def paths(page: ChromiumPage) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('.card .path')].map(e => e.textContent)")


@chromium
def test_filter_search_sort_and_move_by_keys(site):
    with ChromiumPage(address_of(site, "/clips")) as page:
        assert len(paths(page)) == len(site.catalogue)
        page.wait_for("[...document.images].every(i => i.complete && i.naturalWidth)")
        for key, text in (("/", "/"), ("f", "f"), ("l", "l"), ("o", "o"), ("Enter", "\r")):
            page.press(key, text=text)
        page.wait_for("location.search === '?q=flo' && document.readyState === 'complete'")
        assert paths(page) and all("flower" in path or "evil" in path for path in paths(page))
        page.press("?", text="?")
        assert page.evaluate("document.querySelector('dialog').open")
        page.evaluate("document.querySelector('dialog').close()")
        page.evaluate("document.activeElement.blur()")
        page.press("ArrowRight")
        first = page.evaluate("document.activeElement.dataset.key")
        page.press("ArrowRight")
        second = page.evaluate("document.activeElement.dataset.key")
        page.press("ArrowLeft")
        assert page.evaluate("document.activeElement.dataset.key") == first != second
        page.evaluate("document.querySelector('.order select').value = '-clip.num_frames'")
        page.evaluate("document.querySelector('.order select').dispatchEvent(new Event('change'))")
        page.wait_for("location.search.includes('sort=-clip.num_frames')")
        page.wait_for("document.readyState === 'complete'")
        assert page.evaluate("location.search") == "?q=flo&sort=-clip.num_frames"
        page.evaluate("document.querySelector('.card').focus()")
        key = page.evaluate("document.activeElement.dataset.key")
        page.press("Enter", text="\r")
        page.wait_for(f"location.pathname === '/clip/{key}'")
        assert problems(page, "404") == []


@chromium
def test_a_number_shows_its_spread_and_becomes_a_filter(site):
    with ChromiumPage(address_of(site, "/clips")) as page:
        page.evaluate(
            "document.querySelector('form.range').elements.column.value='quality.clarity'"
        )
        page.evaluate(
            "document.querySelector('form.range select').dispatchEvent(new Event('change'))"
        )
        page.wait_for("document.querySelectorAll('.spread rect').length")
        page.evaluate("document.querySelector('form.range').elements.low.value = '100'")
        page.evaluate("document.querySelector('form.range').requestSubmit()")
        page.wait_for("document.querySelector('.chips') && document.readyState === 'complete'")
        assert "quality.clarity" in page.evaluate("document.querySelector('.chips a').textContent")
        shown = len(paths(page))
        assert 0 < shown < len(site.catalogue)
        page.evaluate("document.querySelector('.chips a').click()")
        page.wait_for("!document.querySelector('.chips') && document.readyState === 'complete'")
        assert len(paths(page)) == len(site.catalogue)
        assert problems(page) == []


@chromium
@pytest.mark.parametrize("path", ["/", "/clips", "/clips?sort=-quality.clarity"])
def test_a_phone_shows_it_without_scrolling_sideways(site, path):
    with ChromiumPage(address_of(site, path), width=390, height=844, dark=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, re.findall(r"\d+", background))) < 60
        assert problems(page) == []


@chromium
def test_names_and_captions_are_text_and_a_lost_video_says_so(tiny, tmp_path):
    with served(tiny.root) as site:
        (tmp_path / "videos" / "one.mp4").unlink()
        with ChromiumPage(address_of(site, "/clips")) as page:
            page.wait_for("document.querySelectorAll('.nothing').length === 1")
            page.wait_for("document.querySelector('.nothing').textContent.includes('one.mp4')")
            assert f"{SCRIPT}.mp4" in paths(page)
            assert page.evaluate("window.pwned === undefined")
            assert problems(page, "422") == []


def test_the_home_page_leads_into_the_grid(site):
    text = text_of(site, "/")
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/clips\?[^"]*)"', text)]
    assert len(links) > 5
    for link in links:
        answer = ask(site, link.replace("%20", " "))
        assert answer.status == 200, link
    (link,) = [link for link in links if "reason=blurred" in link]
    told = json.loads(text_of(site, link.replace("/clips?", "/clips.json?").replace("%20", " ")))
    assert told["total"] == 1


def test_the_numbers_of_a_page_are_data_too(site):
    told = json.loads(text_of(site, "/clips.json?size=3&sort=-quality.clarity"))
    assert len(told["clips"]) == 3 and told["of"] == len(site.catalogue)
    spread = json.loads(text_of(site, "/clips/values.json?of=quality.clarity"))
    assert sum(spread["counts"]) == spread["count"] > 0
    assert spread["low"] <= spread["high"]
    assert ask(site, "/clips/values.json").status == 400
    assert ask(site, "/clips/values.json?of=no.such").status == 400
