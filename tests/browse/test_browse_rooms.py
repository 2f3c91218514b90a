"""All rooms of the app answer, and each is one click away from every other."""

import re

import pytest
from browser_asks import address_of, text_of
from chromium_page import ChromiumPage, find_chromium
from served_site import served

ROOMS = ("/", "/clips", "/whatif", "/judge", "/audit", "/duplicates")
LINK = re.compile(r'<a href="(/[a-z]*)"( aria-current="page")?>')


def links_of(page: str) -> list[tuple[str, bool]]:
    """Return address of each link of the navigation, and whether it is marked."""
    (nav,) = re.findall(r'<nav aria-label="Pages">(.*?)</nav>', page, re.DOTALL)
    return [(address, bool(mark)) for address, mark in LINK.findall(nav)]


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_links_to_all_and_marks_itself(site, room):
    assert links_of(text_of(site, room)) == [(other, other == room) for other in ROOMS]


def test_the_page_of_a_clip_belongs_to_the_clips(site):
    clip = site.catalogue.clip_ids[0].as_py()
    marked = [address for address, mark in links_of(text_of(site, f"/clip/{clip}")) if mark]
    assert marked == ["/clips"]


def test_nobody_is_led_to_judge_where_nothing_is_written(workspace):
    with served(workspace, read_only=True) as site:
        for room in ROOMS:
            page = text_of(site, room)
            assert [address for address, _ in links_of(page)] == [r for r in ROOMS if r != "/judge"]


@pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")
def test_rooms_fit_a_phone(site):
    for room in ROOMS:
        with ChromiumPage(address_of(site, room), width=390, height=844) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, room
