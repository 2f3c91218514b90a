"""From opening the app to the export: everything a person does, in one real browser."""

import json
from pathlib import Path

import pytest
from chromium_page import ChromiumPage, find_chromium
from counted_clips import PIPELINE, run_counted, write_counted
from shown_clip import PAINTED, STATE, settle

from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.profile import FrameProfile
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.store.workspace import Workspace

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")

GOOD, JUDGED = 24, 20
LENGTHS = {f"walk {n:02d}.mp4": 100 + n for n in range(GOOD)} | {"blurred.mp4": 140}
REVIEWED = PIPELINE.replace("  - annotate: camera\n", "  - select: review\n  - annotate: camera\n")
CARDS = "[...document.querySelectorAll('.card')]"
SAID = "document.querySelector('[data-clip=\"{}\"] .judge-said').textContent"
CAPTION = "A box goes <b>to and fro</b>."
LIMIT = "document.querySelector('[data-rule=\"quality.rules.0\"]')"
SPOT = f"""(() => {{
  {LIMIT}.scrollIntoView({{block: 'center', behavior: 'instant'}});
  const cut = {LIMIT}.querySelector('.cut').getBoundingClientRect();
  const plot = {LIMIT}.querySelector('.plot').getBoundingClientRect();
  return [cut.x + cut.width / 2, cut.y + 40, plot.x + plot.width];
}})()"""


class Person:
    """Clicks and presses keys, and waits for what must come of it."""

    def __init__(self, page: ChromiumPage) -> None:
        self.page = page

    def key(self, key: str) -> None:
        self.page.press(key, text={"Enter": "\r"}.get(key, key if len(key) == 1 else ""))

    def click(self, selector: str, *, leads_to: str) -> None:
        """Click on a link, and wait for the page it leads to, by its path."""
        link = f"document.querySelector({json.dumps(selector)})"
        self.page.wait_for(f"!!{link}")
        self.page.evaluate(f"{link}.click()")
        self.arrive(f"location.pathname === '{leads_to}'")

    def arrive(self, condition: str) -> None:
        self.page.wait_for(f"({condition}) && document.readyState === 'complete'")

    def reads(self, clip: str, words: str) -> None:
        """Wait until the page says this of a clip."""
        said = SAID.format(clip)
        self.page.wait_for(f"{said}.split(' · ').includes({json.dumps(words)})")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journey")
    write_counted(folder / "videos", LENGTHS)
    run_counted(folder)
    return folder


def find_clips(ann: Person) -> list[str]:
    """Go into the grid, filter and sort; return the clips in the order that is shown."""
    page = ann.page
    ann.click("nav a[href='/clips']", leads_to="/clips")
    assert page.evaluate(f"{CARDS}.length") == len(LENGTHS)
    page.evaluate("document.querySelector('fieldset a.kept').click()")
    ann.arrive("location.search === '?state=kept'")
    page.evaluate("document.querySelector('.order select').value = '-clip.num_frames'")
    page.evaluate("document.querySelector('.order select').dispatchEvent(new Event('change'))")
    ann.arrive("location.search.includes('sort=')")
    frames = page.evaluate(f"{CARDS}.map(e => parseInt(e.querySelector('.length').textContent))")
    assert frames == sorted(LENGTHS[name] for name in LENGTHS if name != "blurred.mp4")[::-1]
    return page.evaluate(f"{CARDS}.map(e => e.dataset.clip)")


def look_at_a_clip(ann: Person, clips: list[str]) -> None:
    """Open the second clip, step through frames, play with layers, and walk to the first."""
    page = ann.page
    ann.key("ArrowRight")
    ann.key("ArrowRight")
    ann.key("Enter")
    ann.arrive(f"location.pathname === '/clip/{clips[1]}'")
    settle(page, 0)
    for frame in (1, 2, 3):
        ann.key("ArrowRight")
        settle(page, frame)
    ann.key("ArrowLeft")
    settle(page, 2)
    page.press("ArrowRight", shift=True)
    settle(page, 12)
    drawn = [page.evaluate(PAINTED)]
    for digit in "12345":
        ann.key(digit)
        drawn.append(page.evaluate(PAINTED))
    assert drawn == sorted(drawn, reverse=True) and drawn[0] > drawn[-1] == 0, drawn
    assert page.evaluate("document.getElementById('place').textContent") == f"2 of {GOOD}"
    ann.key(",")
    page.wait_for(f"{STATE}.open === '{clips[0]}'")
    settle(page, 0)


def correct_the_clip(ann: Person, clips: list[str]) -> None:
    """Star the clip that is shown, correct its caption, and go back to the list."""
    page = ann.page
    ann.key("s")
    ann.reads(clips[0], "★")
    ann.key("c")
    page.wait_for("document.activeElement.id === 'judge-field'")
    page.type(CAPTION)
    ann.key("Enter")
    ann.reads(clips[0], "caption corrected")
    page.wait_for(f"document.querySelector('#facts .quote').textContent === {json.dumps(CAPTION)}")
    ann.click("#back-to-list", leads_to="/clips")
    ann.reads(clips[0], "★")
    assert page.evaluate(f"{CARDS}.map(e => e.dataset.clip)") == clips


def drag_a_cut(ann: Person) -> None:
    """Ask what another threshold would lose."""
    page = ann.page
    ann.click("nav a[href='/whatif']", leads_to="/whatif")
    page.wait_for("document.body.dataset.settled === ''")
    x, y, end = page.evaluate(SPOT)
    page.drag((x, y), end)
    page.wait_for("document.body.dataset.settled.includes('quality.rules.0.min')")
    lost = "Number(document.querySelector('[data-fact=lost] b').textContent)"
    shown = "document.querySelectorAll('#lost li a').length"
    page.wait_for(f"{lost} > 0 && {lost} === {shown} && document.body.dataset.settled !== '…'")
    assert page.evaluate(lost) <= GOOD


def judge_by_keys(ann: Person, clips: list[str]) -> None:
    """Keep every other of the first clips, drop the rest, by keys alone."""
    page = ann.page
    page.evaluate("document.querySelector('fieldset a.kept').click()")
    ann.arrive("location.search === '?state=kept'")
    shown = page.evaluate(f"{CARDS}.map(e => e.dataset.clip)")
    assert set(shown) == set(clips)
    chosen = dict.fromkeys(clips[:JUDGED])
    for clip in shown:
        ann.key("ArrowRight")
        page.wait_for(f"document.activeElement.dataset.clip === '{clip}'")
        if clip in chosen:
            drop = clips.index(clip) % 2
            ann.key("d" if drop else "k")
            ann.reads(clip, "to drop" if drop else "to keep")


def export(folder: Path, out: Path) -> list[dict]:
    """Export all samples in the canonical format; return what it says of each."""
    small = FrameProfile(long_side=96)
    plan = ExportPlan(Canonical(FormatOptions()), FolderContainer, profile=small)
    run_export(Workspace.open(folder / "workspace"), out, plan)
    return [json.loads(path.read_text()) for path in sorted(out.glob("samples/**/*.json"))]


def test_open_filter_look_drag_judge_reload_run_and_export(folder, serving, tmp_path):
    with (
        serving(str(folder / "workspace"), judge="Ann") as site,
        ChromiumPage(site.address) as page,
    ):
        ann = Person(page)
        clips = find_clips(ann)
        look_at_a_clip(ann, clips)
        correct_the_clip(ann, clips)
        drag_a_cut(ann)
        ann.click("nav a[href='/clips']", leads_to="/clips")
        judge_by_keys(ann, clips)
        page.evaluate("window.old = true, location.reload()")
        ann.arrive("!window.old")
        told = {clip: "to drop" if n % 2 else "to keep" for n, clip in enumerate(clips[:JUDGED])}
        for clip, words in told.items():
            ann.reads(clip, words)
        ann.reads(clips[0], "★")
        ann.reads(clips[0], "caption corrected")

        run_counted(folder, REVIEWED)
        page.evaluate("location.assign('/clips?state=dropped&step=review')")
        ann.arrive("location.search.includes('review')")
        dropped = {clip for clip, words in told.items() if words == "to drop"}
        assert set(page.evaluate(f"{CARDS}.map(e => e.dataset.clip)")) == dropped
        shown = page.evaluate("document.querySelector('.card .why').textContent")
        assert shown == "dropped by Ann"
        problems = [e for e in page.errors if "asked the network for http://127.0.0.1" not in e]
        assert problems == []
    samples = export(folder, tmp_path / "out")
    said = {sample["clip_id"]: sample.get("review", {}) for sample in samples}
    assert set(said) == set(clips) - dropped
    assert {clip for clip, review in said.items() if review.get("star")} == {clips[0]}
    kept = {clip for clip, review in said.items() if review.get("verdict") == "keep"}
    assert kept == set(told) - dropped
    corrected = {s["clip_id"] for s in samples if s["caption_origin"] == "review"}
    assert corrected == {clips[0]} == {s["clip_id"] for s in samples if s["caption"] == CAPTION}
