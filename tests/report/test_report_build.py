"""What the page says must be what the run did."""

import html.parser
import json
import re
import shutil
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest
from truthful_run import HOSTILE, build_scene, run_on

from clipmill.audit.answers import AnswerLog
from clipmill.audit.files import start_audit
from clipmill.inspection.clip_rows import ClipRows
from clipmill.inspection.gallery.clip_choice import SampleFacts, choose_clips
from clipmill.inspection.histogram import BINS, HEIGHT, WIDTH, histogram, number
from clipmill.inspection.overlay import outlines
from clipmill.inspection.preview import make_preview
from clipmill.inspection.scores import Score, selection_scores
from clipmill.pipeline.recorded.last_run import last_run, require_last_run
from clipmill.pipeline.walk import walk
from clipmill.report.build import build_report
from clipmill.report.costs import stage_costs
from clipmill.report.distributions import final_samples
from clipmill.report.page import brief_time
from clipmill.samples.table import read_samples
from clipmill.selection.cuts import Cut
from clipmill.store.codecs import encode_mask
from clipmill.store.workspace import Workspace


class Tags(html.parser.HTMLParser):
    """Collects tags and attributes the way a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.seen if tag == name]


@pytest.fixture(scope="module")
def page(report: Path) -> str:
    return report.read_text("utf-8")


def clip_files(report: Path) -> list[dict]:
    found = []
    for path in sorted((report.parent / "data").glob("*.js")):
        text = path.read_text("ascii")
        assert text.startswith("clipmillClip(") and text.endswith(");\n")
        found.append(json.loads(text[len("clipmillClip(") : -3]))
    return found


def clip_named(report: Path, path: str) -> dict:
    (found,) = [clip for clip in clip_files(report) if clip["path"] == path]
    return found


def score(values: list[float], *cuts: Cut) -> Score:
    keys = [f"{k:016x}-000000-000100" for k in range(len(values))]
    return Score(
        "quality.clarity",
        "quality selection",
        "clip",
        pa.array(keys),
        np.array(values, float),
        cuts,
    )


def top(low: float, *, guarded: bool = False) -> Cut:
    drops = "nothing" if guarded else "inside"
    return Cut("quality.clarity", "top", "quantile", low, None, drops, 10, 1, guarded)


def test_the_funnel_tells_what_every_step_did(run, page):
    rows = [a for a in Tags(page).all("div") if a.get("class") == "step"]
    reports = list(walk(*run))
    assert [row["data-step"] for row in rows] == [r.title for r in reports]
    for row, outcome in zip(rows, reports, strict=True):
        for name in ("entering", "leaving", "dropped", "failed"):
            assert row[f"data-{name}"] == str(getattr(outcome, name))
    assert "too_few_frames" in page and "moves too little" in page
    assert "percentiles switched off: a population of 5 is under min_population" in page


def test_the_totals(page):
    shown = dict(re.findall(r'id="total-(\w+)">([\d,]+)<', page))
    assert shown == {
        "videos": "12", "clips": "10", "kept": "4", "stage1": "8", "stage2": "6", "failed": "3",
    }  # fmt: skip


def test_every_selection_score_has_its_histogram(run, page):
    plots = [a["data-score"] for a in Tags(page).all("div") if "data-score" in a]
    rules = [r.column for s in run[0].pipeline.steps if hasattr(s, "rules") for r in s.rules]
    assert plots[: len(rules)] == rules
    assert "tracks.motion_speed" in plots[len(rules) :], "measures without a cut are shown too"
    assert not any(plot.endswith(".anchor") for plot in plots)


def test_failures_name_file_and_error(page):
    assert "zero.mp4" in page
    assert "broken &lt;b&gt;.mp4" in page
    assert "quality.text_area is NaN" in page


def test_hostile_texts_are_inert(page):
    assert HOSTILE not in page
    tags = Tags(page)
    assert len(tags.all("script")) == 1
    assert not any(name.startswith("on") for _, attrs in tags.seen for name in attrs)
    assert {a.get("src") for a in tags.all("img")} <= {
        a["src"] for a in tags.all("img") if str(a["src"]).startswith("posters/")
    }


def test_the_page_asks_for_nothing_from_elsewhere(report):
    for path in report.parent.rglob("*"):
        if path.suffix in {".html", ".js", ".css"}:
            text = path.read_text("utf-8")
            assert not re.search(r"(src|href|url)\s*[=(]\s*[\"']?(https?:)?//", text), path
            assert "fetch(" not in text and "XMLHttpRequest" not in text


def test_all_files_of_a_card_are_there(report, page):
    cards = [a["data-clip"] for a in Tags(page).all("button") if "data-clip" in a]
    clips = clip_files(report)
    assert sorted(cards) == sorted(clip["id"] for clip in clips)
    for clip in clips:
        names = [clip["preview"], clip["poster"]]
        names += [name for entry in clip["objects"] for name in entry["images"]]
        assert all((report.parent / name).is_file() for name in names)


def test_a_preview_has_every_frame_of_its_clip_at_its_place(report):
    clip = clip_named(report, "walk/flower.mp4")
    with av.open(str(report.parent / clip["preview"])) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        times = [frame.time for frame in file.decode(video=0)]
    assert len(times) == clip["frames"] == clip["end"] - clip["start"]
    assert times == pytest.approx(np.arange(len(times)) / clip["fps"], abs=1e-4)


def test_previews_are_copied_or_encoded_as_asked(run, report, tmp_path):
    copies = {clip["path"]: clip for clip in clip_files(report)}
    page = build_report(*run, out=tmp_path, encode_previews=True)
    clips = clip_files(page)
    assert {clip["path"] for clip in clips} == set(copies)
    for clip in clips:
        assert clip["preview"] == f"previews/{clip['id']}.mp4"
        assert copies[clip["path"]]["preview"] == f"previews/{clip['id']}-copy.mp4"
        assert {**clip, "preview": ""} == {**copies[clip["path"]], "preview": ""}


def test_frames_of_a_window_begin_at_the_window(run, tmp_path):
    """The preview of frames [30, 60) must not show the video's first frames."""
    from clipmill.clips import Clip

    context, listing = run
    video = next(v for v in listing.videos if v.relative_path == "walk/flower.mp4")
    probe = context.stages["probe"].table.read([video.file_id])[video.file_id]
    window = Clip(video.video_id, 30, 60)
    preview = make_preview(video, window, probe, folder=tmp_path, poster_frame=0)
    with av.open(str(preview.video)) as file:
        shown = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    with av.open(video.uri) as file:
        source = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(shown) == 30
    for k in (0, 7, 29):
        errors = [np.abs(shown[k].astype(int) - source[30 + k + d]).mean() for d in (-1, 0, 1)
                  if 30 + k + d < len(source)]  # fmt: skip
        assert np.argmin(errors) == 1


def test_previews_are_made_once(run, report):
    previews = {p: p.stat().st_mtime_ns for p in (report.parent / "previews").iterdir()}
    before = report.read_bytes()
    assert build_report(*run, out=report.parent) == report
    assert {p: p.stat().st_mtime_ns for p in (report.parent / "previews").iterdir()} == previews
    assert report.read_bytes() == before


def test_tracks_and_masks_of_a_clip_lie_on_its_object(report):
    clip = clip_named(report, "walk/flower.mp4")
    entry = next(o for o in clip["objects"] if o["anchor"] == 0)
    assert entry["tracks"]["first"] == entry["cover"]["first"] == 0
    assert len(entry["cover"]["masks"]) == len(entry["cover"]["boxes"])
    inside = total = 0
    for points, seen, box in zip(
        entry["tracks"]["points"], entry["tracks"]["seen"], entry["cover"]["boxes"], strict=False
    ):
        assert len(points) == 2 * len(seen)
        for (x, y), flag in zip(np.reshape(points, (-1, 2)), seen, strict=True):
            if flag == "1":
                total += 1
                inside += box[0] <= x <= box[2] and box[1] <= y <= box[3]
    assert total > 100 and inside == total
    assert entry["regions"][0]["box"][0] >= entry["cover"]["boxes"][0][2]
    assert len(entry["images"]) == 2


def test_the_story_of_a_dropped_clip_is_told(report):
    clip = clip_named(report, "still.mp4")
    last = clip["chain"][-1]
    assert last["state"] == "dropped" and "motion selection" in last["why"]
    assert any("moves too little" in link["why"] for link in clip["chain"])
    assert not any(entry["kept"] for entry in clip["objects"])
    assert clip["anchors"][0]["sample"] is None


def test_captions_belong_to_their_anchor(report):
    clip = clip_named(report, "walk/flower & cup.mp4")
    for entry in clip["anchors"]:
        assert entry["caption"].startswith(f"From frame {entry['index']} on")
        assert entry["sample"].endswith(f"-a{entry['index']:05d}")


def test_a_lost_source_gives_a_card_that_says_so(tmp_path):
    video = tmp_path / "videos" / "flower.mp4"
    build_scene(video.parent, video.name)
    last = require_last_run(run_on(tmp_path).root)
    video.unlink()
    page = build_report(*last, out=tmp_path / "page")
    clip = clip_named(page, "flower.mp4")
    assert clip["preview"] is None
    assert str(video) in clip["problem"]
    assert str(video) in page.read_text("utf-8")


def test_a_gallery_of_none_still_has_its_page(run, tmp_path):
    page = build_report(*run, out=tmp_path, gallery=0)
    assert "No clip came far enough" in page.read_text("utf-8")
    assert not (tmp_path / "previews").exists()


def test_an_unfinished_run_says_so(run, tmp_path):
    twin = tmp_path / "ws"
    shutil.copytree(run[0].workspace.root, twin)
    shutil.rmtree(twin / "annotations" / "camera")
    context, listing = last_run(Workspace.open(twin))
    text = build_report(context, listing, out=tmp_path / "page").read_text("utf-8")
    assert "The run is unfinished: 5 clips have no camera row yet" in text
    assert 'id="total-kept"' not in text


def test_progress_is_told(run, tmp_path):
    calls = []
    build_report(*run, out=tmp_path, gallery=3, on_progress=lambda d, n: calls.append((d, n)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


# ---- parts ------------------------------------------------------------------------------------


def test_histogram_counts_everything_once():
    values = [*np.linspace(0, 9, 99), float("nan")]
    laid = histogram(score(values, top(8.0)))
    assert (laid.count, laid.missing) == (99, 1)
    counts = [int(re.search(r": (\d+)", bar.label)[1]) for bar in laid.bars]
    assert sum(counts) == 99
    gone = [int(m[1]) for bar in laid.bars if (m := re.search(r", (\d+) of them", bar.label))]
    assert sum(gone) == sum(v >= 8.0 for v in values)
    (line,) = laid.lines
    assert line.x == pytest.approx(WIDTH * 8 / 9) and line.text == "8"


def test_histogram_of_a_guarded_cut_drops_nothing():
    laid = histogram(score([1.0, 2.0, 3.0], top(2.5, guarded=True)))
    assert not laid.lines and all(bar.dropped == 0 for bar in laid.bars)
    assert "switched off" in laid.notes[0]


@pytest.mark.parametrize(
    "values", [[], [float("nan")], [5.0], [5.0, 5.0], [0.0, 0.0], [-1e30, 1e30]]
)
def test_histogram_of_odd_values(values):
    laid = histogram(score(values, top(2.0)))
    assert len(laid.bars) <= BINS
    for bar in laid.bars:
        assert 0 <= bar.x <= WIDTH and np.isfinite([bar.x, bar.width, bar.kept]).all()
    assert all(0 <= line.x <= WIDTH for line in laid.lines)


def test_skewed_scores_get_a_logarithmic_axis():
    assert histogram(score([1.0, 1.5, 2.0, 5000.0])).logarithmic
    assert not histogram(score([1.0, 2.0, 3.0])).logarithmic
    assert not histogram(score([-1.0, 1.5, 5000.0])).logarithmic


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (3.0, "3"), (1234.5, "1,234"), (0.123456, "0.123"), (2.5e9, "2.50e+09"),
     (float("nan"), "no number")],
)  # fmt: skip
def test_numbers_as_people_write_them(value, text):
    assert number(value) == text


def sample(clip: str, *, stage2: bool) -> SampleFacts:
    return SampleFacts(f"{clip}-a00000", clip, 0, 100, "", "", True, stage2, "", ())


def test_the_gallery_shows_stage_2_first_and_many_videos():
    clips = [f"{v:016x}-{s:06d}-{s + 100:06d}" for v in range(3) for s in (0, 100)]
    samples = [sample(clip, stage2=clip.startswith("0" * 15 + "2")) for clip in clips]
    picks = choose_clips(samples, [], [], count=4)
    assert [(p.clip.video_id[-1], p.clip.start, p.group) for p in picks] == [
        ("2", 0, "stage2"), ("2", 100, "stage2"), ("0", 0, "stage1"), ("1", 0, "stage1"),
    ]  # fmt: skip


def test_the_gallery_shows_both_sides_of_a_cut():
    values = [0.0, 2.0, 3.7, 4.0, 5.0, 9.0]
    mine = score(values, top(4.0))
    picks = choose_clips([], [mine], [], count=9)
    assert [(pick.clip.clip_id, pick.group) for pick in picks] == [
        (mine.keys[3].as_py(), "dropped"), (mine.keys[2].as_py(), "kept"),
    ]  # fmt: skip
    assert "cut at 4" in picks[0].notes[0]


def test_room_is_left_to_dropped_clips_that_came_far(run):
    reports = list(walk(*run))
    picks = choose_clips([], [], reports, count=2)
    titles = [pick.notes[0].partition(":")[0] for pick in picks]
    assert titles == ["motion selection", "objects selection"]
    assert {pick.group for pick in picks} == {"other"}


def test_outlines_follow_a_mask_with_a_hole():
    mask = np.zeros((100, 200), bool)
    mask[20:80, 40:160] = True
    mask[40:60, 80:120] = False
    found = outlines(encode_mask(mask), preview=(200, 100), source=(400, 200))
    assert len(found) == 2
    outer = max(found, key=lambda flat: np.ptp(flat[::2]))
    assert np.ptp(outer[::2]) == pytest.approx(240, abs=3)
    assert (min(outer[::2]), min(outer[1::2])) == pytest.approx((80, 40), abs=2)
    assert outlines(encode_mask(np.zeros((9, 9), bool)), preview=(90, 90), source=(9, 9)) == []


def test_selection_scores_cover_who_reached_the_selection(run):
    reports = list(walk(*run))
    found = {s.column: s for s in selection_scores(*run, reports)}
    by_title = {r.title: r for r in reports}
    assert len(found["probe.width"].values) == by_title["basic selection"].entering
    assert len(found["quality.clarity"].values) == by_title["quality selection"].entering
    assert np.isnan(found["quality.text_area"].values).sum() == 1
    motion = found["tracks.motion_strength"]
    assert motion.level == "object" and len(motion.values) == 12
    assert sum(motion.dropped(cut).sum() for cut in motion.cuts) == 2


def test_clips_without_objects_have_no_layers(run):
    context, listing = run
    video = listing.videos[0]
    probe = context.stages["probe"].table.read([video.video_id]).get(video.video_id)
    assert list(ClipRows(video=video, probe=probe, rows={}).objects()) == []


# ---- variety, axes, costs ---------------------------------------------------------------------


def test_no_video_fills_the_gallery():
    """3,000 clips of one video, all ready for stage 2, beside few of nineteen others."""
    clips = [f"{0:016x}-{s:06d}-{s + 100:06d}" for s in range(0, 300_000, 100)]
    clips += [f"{v:016x}-{s:06d}-{s + 100:06d}" for v in range(1, 20) for s in (0, 100)]
    samples = [sample(clip, stage2=clip.startswith("0" * 16)) for clip in clips]
    picks = choose_clips(samples, [], [], count=20)
    videos = [pick.clip.video_id for pick in picks]
    assert len(videos) == len(set(videos)) == 20


def test_of_one_video_clips_are_shown_that_differ():
    clips = [f"{0:016x}-{s:06d}-{s + 100:06d}" for s in range(0, 10_000, 100)]
    values = np.full(100, 5.0)
    values[[3, 70]] = 0.0, 9.0
    mine = Score("quality.clarity", "q", "clip", pa.array(clips), values)
    picks = choose_clips([sample(c, stage2=False) for c in clips], [mine], [], count=3)
    starts = {pick.clip.start for pick in picks}
    assert starts >= {300, 7000}


def test_no_reason_fills_the_gallery(run):
    reports = list(walk(*run))
    picks = choose_clips([], [], reports, count=6)
    notes = [pick.notes[0] for pick in picks]
    assert len(set(notes)) == len(notes) > 3


def test_a_bar_that_dwarfs_all_others_gets_a_logarithmic_axis():
    values = [*[0.0] * 5000, *np.linspace(1, 30, 30)]
    laid = histogram(score(values))
    assert laid.counts.logarithmic
    heights = sorted(bar.kept for bar in laid.bars)
    assert heights[0] > HEIGHT / 20
    assert heights[-1] == pytest.approx(HEIGHT)
    assert [tick.text for tick in laid.counts.ticks] == ["1,000", "100", "10", "1"]
    assert not histogram(score([*range(30)])).counts.logarithmic


def test_ticks_stand_where_bars_of_their_count_end():
    laid = histogram(score([0.0] * 6 + [1.0] * 3, top(1.0)))
    assert [tick.text for tick in laid.counts.ticks] == ["6", "3"]
    assert laid.counts.ticks[0].y == pytest.approx(HEIGHT - laid.bars[0].kept)
    assert laid.counts.ticks[1].y == pytest.approx(HEIGHT - laid.bars[1].dropped)


def test_the_samples_are_described(run, page):
    samples = list(read_samples(run[0].workspace))
    finals = final_samples(run[0])
    named = {one.histogram.score.column: one.histogram.score.values for one in finals.distributions}
    assert sorted(named["length, seconds"]) == pytest.approx(
        sorted(s.num_frames / s.fps for s in samples)
    )
    assert sorted(named["caption, words"]) == sorted(len(s.caption.split()) for s in samples)
    sizes = sorted(100 * o.area for s in samples for o in s.objects)
    assert sorted(named["object size, % of the frame"]) == pytest.approx(sizes)
    folders = {s.relative_path.partition("/")[0] for s in samples if "/" in s.relative_path}
    assert folders <= {source.name for source in finals.sources}
    assert sum(source.samples for source in finals.sources) == len(samples)
    assert {"length, seconds", "source"} <= {
        p["data-final"] for p in Tags(page).all("div") if "data-final" in p
    }


def test_the_cost_of_every_stage_is_told(run, page):
    costs = {cost.title: cost for cost in stage_costs(run[0])}
    assert list(costs) == list(run[0].stages)
    for name, stage in run[0].stages.items():
        taken = stage.table.status()["seconds"].to_pylist()
        assert costs[name].rows == len(taken)
        assert costs[name].seconds == pytest.approx(sum(taken))
        assert f'data-stage="{name}"' in page
    assert sum(cost.share for cost in costs.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.0004, "< 1 ms"), (0.0421, "42.1 ms"), (8.51, "8.51 s"), (640, "10.7 min"),
     (9000, "2.5 h"), (9e6, "2,500.0 h")],
)  # fmt: skip
def test_times_as_people_write_them(seconds, text):
    assert brief_time(seconds) == text


def test_audits_are_in_the_report(run, tmp_path):
    shutil.copytree(run[0].workspace.root, tmp_path / "copy")
    context, listing = require_last_run(str(tmp_path / "copy"))
    audit = start_audit(context, listing, wanted=200)
    log = AnswerLog(context.workspace, audit.blind.id, "ann <i>")
    for clip_id in audit.blind.clips[:4]:
        log.add(clip_id, "good" if audit.verdicts[clip_id].state == "kept" else "bad")
    out = tmp_path / "out"
    under_way = build_report(context, listing, out=out, gallery=0).read_text("utf-8")
    assert "ann &lt;i&gt; is under way: 4" in under_way
    assert "precision <" not in under_way
    log.add("", "closed")
    done = build_report(context, listing, out=out, gallery=0).read_text("utf-8")
    assert f"4 of {len(audit.blind.clips)} judged" in done
    assert done.count("100 %") >= 2
