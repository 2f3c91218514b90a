"""The catalogue says of every clip what the tables of the run say."""

import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import clipmill
from clipmill.browse.catalogue import Catalogue, CataloguePage, Query
from clipmill.browse.site import Site
from clipmill.errors import UsageError


@pytest.fixture(scope="module")
def results(workspace):
    return clipmill.open(workspace)


@pytest.fixture(scope="module")
def catalogue(workspace) -> Catalogue:
    return Site(workspace, 1).catalogue


def ask(catalogue: Catalogue, text: str) -> CataloguePage:
    return catalogue.query(Query.parse(parse_qsl(text)))


def test_every_clip_is_there_with_its_outcome(catalogue, results):
    rows = results.clips().to_pylist()
    page = ask(catalogue, "size=500")
    assert page.total == page.of == len(rows)
    for clip, row in zip(page.clips, rows, strict=True):
        assert (clip.clip_id, clip.path, clip.state) == (row["clip_id"], row["path"], row["status"])
        assert (clip.start, clip.end, clip.step or None) == (row["start"], row["end"], row["step"])
        assert clip.detail == (row["reason"] or "")
        assert clip.num_samples == row["num_samples"]
    assert {clip.reason for clip in page.clips if clip.step == "probe"} == {"decode"}


def test_facets_count_what_the_other_filters_leave(catalogue, results):
    rows = results.clips().to_pylist()
    page = ask(catalogue, "state=dropped")
    facets = {facet.name: {v.value: v.count for v in facet.values} for facet in page.facets}
    assert facets["state"] == Counter(row["status"] for row in rows)
    steps = Counter(row["step"] for row in rows if row["status"] == "dropped")
    assert facets["step"] == steps
    assert page.total == sum(steps.values()) > 0
    chosen = [v.value for facet in page.facets for v in facet.values if v.chosen]
    assert chosen == ["dropped"]


def test_a_value_that_no_clip_has_is_shown_as_chosen(catalogue):
    page = ask(catalogue, "step=no such step")
    assert page.total == 0
    assert [(v.value, v.count) for v in page.facets[1].values if v.chosen] == [("no such step", 0)]


def test_a_range_holds_at_clip_level(catalogue, results):
    scores = results.scores(columns=["quality.clarity"]).to_pylist()
    values = {row["clip_id"]: row["quality.clarity"] for row in scores}
    cut = float(np.median([value for value in values.values() if value is not None]))
    found = {clip.clip_id for clip in ask(catalogue, f"quality.clarity={cut!r}..").clips}
    assert found == {name for name, value in values.items() if value is not None and value >= cut}
    without = {clip.clip_id for clip in ask(catalogue, "quality.clarity=none").clips} - {None}
    assert without == {name for name, value in values.items() if value is None}


def test_a_range_holds_where_any_object_has_it(catalogue, results):
    name = "tracks.motion_strength"
    rows = results.scores(level="object", columns=[name]).to_pylist()
    by_clip: dict[str, list[float]] = {}
    for row in rows:
        if row[name] is not None:
            by_clip.setdefault(row["clip_id"], []).append(row[name])
    apart = next(values for values in by_clip.values() if min(values) < max(values))
    low, high = min(apart), max(apart)
    for cut in (low, high):
        found = {clip.clip_id for clip in ask(catalogue, f"{name}={cut!r}..").clips}
        assert found == {c for c, values in by_clip.items() if max(values) >= cut}
    shown = {c.clip_id: c.numbers[name] for c in ask(catalogue, f"sort={name}").clips}
    for clip_id, values in by_clip.items():
        assert shown[clip_id] == pytest.approx((min(values), max(values)))


@pytest.mark.parametrize("name", ["quality.clarity", "tracks.motion_strength", "sample.num_frames"])
def test_sorted_by_a_number_what_has_none_comes_last(catalogue, name):
    for sign, side in (("", 0), ("-", 1)):
        pairs = [clip.numbers[name] for clip in ask(catalogue, f"sort={sign}{name}").clips]
        known = [pair[side] for pair in pairs if pair]
        assert None in pairs and all(pair is None for pair in pairs[len(known) :])
        assert known == sorted(known, reverse=sign == "-")


def test_sorted_by_texts(catalogue):
    paths = [clip.path for clip in ask(catalogue, "sort=path").clips]
    assert paths == sorted(paths)
    assert [clip.path for clip in ask(catalogue, "sort=-path").clips] == paths[::-1]
    steps = [clip.step for clip in ask(catalogue, "sort=step").clips]
    known = [step for step in steps if step]
    assert known == sorted(known) and "" not in steps[: len(known)]


def test_words_are_found_in_captions_and_paths(catalogue):
    def found(text: str) -> set[str]:
        return {clip.path for clip in ask(catalogue, text).clips}

    assert "walk/flower & cup.mp4" in found("q=CUP FLOWER")
    assert found("caption=cup and flower") == found('caption="cup and flower"') != set()
    assert found('caption="flower cup"') == set()
    assert found("path=walk/") == {"walk/flower & cup.mp4", "walk/flower.mp4"}
    (clip,) = ask(catalogue, "caption=pwned").clips
    assert found(f"q={clip.key}") == {clip.path}


def test_clips_are_found_by_the_day_of_their_rows(tiny):
    def found(text: str) -> list[tuple[str | None, float]]:
        clips = ask(Site(tiny.root, 1).catalogue, f"{text}&sort=-run.date&size=500").clips
        return [(clip.clip_id, pair[0]) for clip in clips if (pair := clip.numbers["run.date"])]

    day = 86400.0
    now = found("")
    assert now and all(time.time() - at < 600 for _, at in now)
    # As if all had run on the 1st of March, and one had been read again on the 3rd.
    march = 1772323200.0
    (path,) = Path(tiny.root, "dates").glob("probe/*.parquet")
    table = pq.read_table(path)
    when = np.full(len(table), march + 3600)
    when[0] += 2 * day
    written = pa.array((when * 1000).astype(np.int64)).cast(table["written"].type)
    pq.write_table(table.set_column(1, "written", written), path)
    again, latest = found("")[0]
    assert latest == march + 2 * day + 3600
    assert {at for _, at in found("")[1:]} == {march + 3600}
    assert [name for name, _ in found("run.date=2026-03-02..2026-03-03")] == [again]
    assert found("run.date=2026-03-03") == found("run.date=2026-03-01T02:00..")
    assert again not in [name for name, _ in found("run.date=..2026-03-01")] != []
    assert found("run.date=2026-03-04..") == []


def test_pages_are_parts_of_one_order(catalogue):
    whole = [clip.key for clip in ask(catalogue, "sort=-probe.num_frames").clips]
    parts = [
        [clip.key for clip in ask(catalogue, f"sort=-probe.num_frames&size=5&page={n}").clips]
        for n in (1, 2, 3)
    ]
    assert [key for part in parts for key in part] == whole
    last = ask(catalogue, "size=5&page=99")
    assert last.query.page == last.pages == -(-len(whole) // 5)


def test_a_clip_has_its_place_among_all(catalogue):
    order = [
        clip for clip in ask(catalogue, "sort=quality.clarity").clips
        if clip.numbers["quality.clarity"]
    ]  # fmt: skip
    place = catalogue.rank(order[2].key, "quality.clarity", count=2)
    assert place is not None
    assert (place.rank, place.population) == (3, len(order))
    assert [clip.key for clip in place.below] == [order[1].key, order[0].key]
    assert [clip.key for clip in place.above] == [clip.key for clip in order[3:5]]
    assert catalogue.rank("no such clip", "quality.clarity") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quality.colour=1..", "no number 'quality.colour'"),
        ("sort=colour", "cannot sort by 'colour'"),
    ],
)
def test_what_there_is_not_is_refused_with_words(catalogue, text, said):
    with pytest.raises(UsageError, match=said):
        ask(catalogue, text)


def test_clips_are_found_by_their_id(catalogue, results):
    for row in results.clips().to_pylist():
        key = row["clip_id"] or row["video_id"]
        clip = catalogue.clip(key)
        assert clip is not None and clip.path == row["path"]
    assert catalogue.clip("../../etc/passwd") is None
