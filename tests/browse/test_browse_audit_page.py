"""An audit judged by keyboard in a real Chromium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium_page import ChromiumPage, find_chromium
from served_site import served

from clipmill.audit.answers import answers_now, read_answers
from clipmill.audit.estimate import evaluate_audit
from clipmill.audit.files import read_audit, start_audit
from clipmill.browse.site import Site
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.store.workspace import Workspace

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium on PATH (apt-get install chromium)"
)

PLACE = "Number(document.documentElement?.dataset.shown)"
PLAYING = "document.getElementById('video')?.readyState >= 2"


@pytest.fixture
def site(workspace: str, tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(workspace, tmp_path / "copy")
    start_audit(*require_last_run(str(tmp_path / "copy")), wanted=200, by="step")
    with served(str(tmp_path / "copy"), judge="ann <b>") as site:
        yield site


def address(site: Site) -> str:
    return site.address.replace("/?token", "/audit/audit-1?token")


def shown(page: ChromiumPage, place: int) -> None:
    page.wait_for(f"document.getElementById('bar') && {PLACE} === {place} && {PLAYING}")


def arrive(page: ChromiumPage, condition: str) -> None:
    """Wait for a page that is navigated to; a question asked meanwhile is lost with the old one."""
    for _ in range(100):
        try:
            page.wait_for(condition)
            return
        except RuntimeError as error:
            if "navigated" not in str(error):
                raise
    raise AssertionError(f"never arrived at {condition}")


def judged(site: Site) -> dict[str, str]:
    return answers_now(read_answers(Workspace.open(site.uri), "audit-1"), "ann <b>")


def no_failures(page: ChromiumPage) -> None:
    assert [e for e in page.errors if "asked the network for http://127.0.0.1" not in e] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_an_audit_is_judged_by_keyboard_and_gone_on_with(site, width, tmp_path):
    audit = read_audit(Workspace.open(site.uri), "audit-1")
    clips = audit.blind.clips
    with ChromiumPage(address(site), width=width, height=844) as page:
        for place in range(3):
            shown(page, place)
            page.press("gbu"[place])
        shown(page, 3)
        page.press("z")
        shown(page, 2)
        assert judged(site) == {clips[0]: "good", clips[1]: "bad"}
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.querySelector('.who').textContent") == "ann <b>"
        tall = "document.querySelector('{}').getBoundingClientRect().bottom"
        bottoms = [page.evaluate(tall.format(name)) for name in ("video", ".picture", ".answers")]
        assert bottoms[0] <= bottoms[1] < bottoms[2] <= 844  # all of it without scrolling
        # The video of the page is that of the clip.
        frames = page.evaluate("document.getElementById('video').duration")
        length = page.evaluate("document.getElementById('length').textContent")
        assert frames == pytest.approx(float(length.split()[0]), abs=0.1)
        no_failures(page)
    with ChromiumPage(address(site), width=width, height=844) as page:
        for place in range(2, len(clips)):
            shown(page, place)
            good = audit.verdicts[clips[place]].state == "kept"
            page.press("g" if good else "b")
        page.wait_for("!document.getElementById('done').hidden")
        page.evaluate("document.querySelector('#done .show-result').click()")
        arrive(page, "document.getElementById('precision') !== null")
        result = evaluate_audit(audit, read_answers(Workspace.open(site.uri), "audit-1"))
        assert f"{100 * result.precision.value:.0f} %" in page.evaluate(
            "document.getElementById('precision').textContent"
        )
        assert page.evaluate("document.querySelectorAll('article').length") == len(result.against)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        no_failures(page)
    assert len(judged(site)) == len(clips)


def test_buttons_and_places(site):
    with ChromiumPage(address(site)) as page:
        shown(page, 0)
        page.press("ArrowRight")
        shown(page, 1)
        page.evaluate("document.querySelector('[data-answer=bad]').click()")
        shown(page, 2)
        page.press("ArrowLeft")
        shown(page, 1)
        pressed = "document.querySelector('[data-answer=bad]').getAttribute('aria-pressed')"
        page.wait_for(f"{pressed} === 'true'")
        page.press("g")  # the answer is changed
        shown(page, 2)
        page.press(" ", code="Space")
        page.wait_for("document.getElementById('video').paused")
        no_failures(page)
    clips = read_audit(Workspace.open(site.uri), "audit-1").blind.clips
    assert judged(site) == {clips[1]: "good"}


def test_an_audit_is_started_on_the_page(site):
    with ChromiumPage(site.address.replace("/?token", "/audit?token")) as page:
        page.evaluate("document.querySelector('#start button').click()")
        arrive(page, f"location.pathname === '/audit/audit-2' && {PLACE} === 0 && {PLAYING}")
        no_failures(page)
