"""Columns of clips say what clips as objects say."""

import numpy as np
import pyarrow as pa
import pytest

from clipmill.clips import Clip, Span, Video, text_id_for
from clipmill.config import ShotsSplit, WindowsSplit
from clipmill.pipeline.inputs.identity import identify
from clipmill.pipeline.population import (
    ClipColumns,
    ObjectIds,
    Part,
    Population,
    clip_ids,
    parse_clip_ids,
)
from clipmill.pipeline.steps.cutting.ranges import cut_windows
from clipmill.pipeline.steps.cutting.shot_ranges import cut_shots, shots_of
from clipmill.sources.columns import VideoRows
from clipmill.store.codecs import encode_array
from clipmill.store.workspace import Workspace


def rows_of(videos: list[Video]) -> VideoRows:
    columns = {
        field.name: [
            getattr(video, field.name)
            if field.name != "spans"
            else [vars_of(span) for span in video.spans] or None
            for video in videos
        ]
        for field in VideoRows.schema
    }
    return VideoRows(pa.table(columns, schema=VideoRows.schema))


def vars_of(span: Span) -> dict[str, object]:
    return {name: getattr(span, name) for name in ("start", "end", "unit", "text", "where")}


def video(number: int, *, text: str | None = None, spans: tuple[Span, ...] = ()) -> Video:
    name = f"v{number}.mp4"
    return Video(f"{number:016x}", "s", name, f"/{name}", 7, text, f"{number}", spans)


def test_rows_give_back_the_objects_they_are_of():
    videos = [video(1, text="a"), video(2, spans=(Span(0.0, None, "frames", "b", "line 2"),))]
    rows = rows_of(videos)
    assert list(rows) == videos
    assert (rows[0], rows[-1], len(rows), rows == tuple(videos)) == (*videos, 2, True)
    with pytest.raises(IndexError):
        rows[2]


def test_ids_of_clips_are_those_of_clips_as_objects_and_are_read_back():
    videos = pa.array([f"{n:016x}" for n in (3, 7)])
    clips = ClipColumns(
        np.array([0, 1, 1], np.int32),
        np.array([0, 999_999, 1_234_567], np.int32),
        np.array([5, 1_000_000, 12_345_678], np.int32),
    )
    names = clip_ids(videos.take(pa.array(clips.video)), clips)
    wanted = [
        Clip(videos[int(v)].as_py(), int(s), int(e)).clip_id
        for v, s, e in zip(clips.video, clips.start, clips.end, strict=True)
    ]
    assert names.to_pylist() == wanted
    other = Clip("f" * 16, 0, 3).clip_id
    back = parse_clip_ids(pa.array([*wanted, other]), videos)
    assert np.array_equal(back.video, clips.video)
    assert np.array_equal(back.start, clips.start)
    assert np.array_equal(back.end, clips.end)


def test_a_clip_that_is_there_twice_stays_where_it_is_first():
    clips = ClipColumns(*np.array([[1, 0, 1, 0], [0, 2, 0, 1], [5, 6, 5, 6]], np.int32))
    once = clips.distinct()
    assert once.video.tolist() == [1, 0, 0] and once.start.tolist() == [0, 2, 1]


def test_a_set_of_objects_knows_its_own():
    ids = ObjectIds(pa.chunked_array([["b", "a"], ["d"]]))
    assert list(ids) == ["a", "b", "d"] and len(ids) == 3
    assert [name in ids for name in ("a", "c", "d", "e", "")] == [True, False, True, False, False]


def test_captions_are_those_of_the_parts_that_clips_are_in():
    videos = rows_of([video(1, text="whole"), video(2), video(3, text=" ")])
    clips = ClipColumns(*np.array([[0, 1, 1, 2], [0, 0, 5, 0], [9, 4, 9, 9]], np.int32))
    parts = {f"{2:016x}": (Part(0, 5, "first"), Part(5, 9, None), Part(0, 9, "both"))}
    some = Population(videos, pa.array(["f1", "f2", "f3"]), clips, probed=True, parts=parts)
    assert some.text_ids.to_pylist() == [text_id_for(t) for t in ("whole", "first", None, " ")]
    (chunk,) = some.chunks(np.array([2, 0]), 5)
    assert chunk.files == ["f2", "f1"] and [v.text for v in chunk.videos] == [None, "whole"]
    assert chunk.keys == [clip.clip_id for clip in chunk.clips]


@pytest.mark.parametrize("limits", [(10, 3, None), (10, 10, 2), (4, 6, None), (5, 1, 1)])
def test_windows_are_those_of_one_clip_after_the_other(limits):
    longest, shortest, most = limits
    step = WindowsSplit(split="windows", max_frames=longest, min_frames=shortest, max_windows=most)
    lengths = np.arange(1, 45)
    found = cut_windows(lengths, step)
    wanted = []
    for length in lengths.tolist():
        cuts = [(s, min(s + longest, length)) for s in range(0, length, longest)]
        wanted.append([(s, e) for s, e in cuts if e - s >= shortest][:most])
    assert found.counts.tolist() == list(map(len, wanted))
    pairs = list(zip(found.start.tolist(), found.end.tolist(), strict=True))
    assert pairs == [cut for cuts in wanted for cut in cuts]


def test_shots_of_many_clips_are_those_of_one_after_the_other(tmp_path):
    from clipmill.annotations.shots.schema import ShotsRow
    from clipmill.store.annotations import Outcome

    random = np.random.default_rng(4)
    rows = {}
    for number in range(300):
        length = int(random.integers(0, 30))
        scores = (random.random(length) ** 6).astype(np.float32)
        if number % 7 == 0 and length > 3:
            scores[1] = np.nan
        kind = np.float64 if number % 11 == 0 else np.float32
        row = ShotsRow(
            encode_array(scores.astype(kind)),
            threshold=float(random.choice([0.5, float(scores.max(initial=0.2))])),
            num_decoded=max(length - number % 3, 0),
        )
        rows[f"{number:016x}-000000-000100"] = row
    table = Workspace.open(tmp_path, create=True).annotation("shots", "f", ShotsRow)
    table.append([Outcome(key, row) for key, row in list(rows.items())[::2]])
    table.append([Outcome(key, row) for key, row in rows.items()])
    table.append([Outcome("ffffffffffffffff-000000-000009", None, "decode", "broken")])
    step = ShotsSplit(split="shots", min_frames=3, max_shots=4)
    keys = random.permutation(list(rows)).tolist()
    found = shots_of(table, pa.array(keys), step)
    wanted = [cut_shots(rows[k].scores, rows[k].threshold, rows[k].num_decoded, step) for k in keys]
    assert max(map(len, wanted)) > 2 and min(map(len, wanted)) == 0
    assert found.counts.tolist() == list(map(len, wanted))
    pairs = list(zip(found.start.tolist(), found.end.tolist(), strict=True))
    assert pairs == [cut for cuts in wanted for cut in cuts]


def test_copies_of_a_file_are_known_by_the_first_one_and_lend_it_their_captions():
    part = Span(0.0, 1.0, "seconds", "p")
    videos = [
        video(1),
        video(2, text=""),
        video(3, text="third"),
        video(4),
        video(5, spans=(part,)),
    ]
    contents = pa.table(
        {"key": ["f5", "f1", "f3", "f2"], "content": ["bb" * 16, "aa" * 16, "aa" * 16, "aa" * 16]}
    )
    found = identify(rows_of(videos), pa.array(["f1", "f2", "f3", "f4", "f5"]), contents)
    assert found.first.tolist() == [-1, 0, 0, -1, -1]
    ids = [v.video_id for v in found.videos]
    assert ids == ["aa" * 8, f"{2:016x}", f"{3:016x}", f"{4:016x}", "bb" * 8]
    assert [v.text for v in found.videos] == ["third", "", "third", None, None]
    assert found.videos[4].spans == (part,)
