"""Judgements as rows: added, taken back, put together, read past damage."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.review import Judgement, ReviewStore, judge_clip, judge_object
from clipmill.review.state import ReviewState
from clipmill.store.errors import StorageError
from clipmill.store.workspace import Workspace

CLIP = "00112233445566aa-000100-000300"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "ws", create=True)


@pytest.fixture
def store(workspace: Workspace) -> ReviewStore:
    return ReviewStore.open(workspace)


def review(store: ReviewStore, clip_id: str = CLIP):
    return store.state().of_clip(Clip.parse(clip_id))


def files_of(workspace: Workspace) -> list[Path]:
    return sorted(Path(workspace.root, "review").glob("*.jsonl"))


def test_what_was_said_is_there_for_another_process(workspace, store):
    store.add(judge_clip(CLIP, "keep", "sharp", who="Ann"))
    store.add(judge_clip(CLIP, "star", who="Ann"))
    store.add(judge_clip(CLIP, "tag", "night", who="Ann"))
    store.add(judge_clip(CLIP, "caption", "A cup\nturns.", who="Ann"))
    store.add(judge_clip(CLIP, "note", "look again", who="Ann"))
    store.add(judge_object(f"{CLIP}-a00010-o01", who="Ann", box=(1, 2, 30, 40)))
    row = ReviewStore.open(workspace.root).state().table().to_pylist()[0]
    assert row | {"when": ""} == {
        "clip_id": CLIP,
        "video_id": CLIP[:16],
        "start": 100,
        "end": 300,
        "verdict": "keep",
        "who": ["Ann"],
        "when": "",
        "star": True,
        "tags": ["night"],
        "caption": "A cup\nturns.",
        "notes": 1,
        "objects_dropped": 1,
        "conflicts": 0,
    }
    assert review(store).objects[0].anchor == 110
    assert len(files_of(workspace)) == 1


def test_the_last_word_of_a_person_counts(store):
    store.add(judge_clip(CLIP, "keep", who="Ann"))
    store.add(judge_clip(CLIP, "drop", who="Ann"))
    assert review(store).verdict == "drop"
    assert not list(store.state().conflicts())


def test_two_people_who_disagree_are_shown_with_their_last_words(store):
    store.add(judge_clip(CLIP, "keep", who="Ann"))
    store.add(judge_clip(CLIP, "drop", "shaky", who="Bob"))
    store.add(judge_clip(CLIP, "caption", "a cup", who="Ann"))
    store.add(judge_clip(CLIP, "caption", "a mug", who="Bob"))
    assert review(store).verdict == "conflict"
    verdict, caption = store.state().conflicts()
    assert [(row.who, row.kind) for row in verdict.rows] == [("Ann", "keep"), ("Bob", "drop")]
    assert [row.value for row in caption.rows] == ["a cup", "a mug"]
    assert review(store).caption_at(100).value == "a mug"
    store.add(judge_clip(CLIP, "keep", who="Bob"))
    assert review(store).verdict == "keep"


def test_undo_takes_back_and_can_be_taken_back(store):
    first = store.add(judge_clip(CLIP, "keep", who="Ann"))
    second = store.add(judge_clip(CLIP, "drop", who="Ann"))
    undo = store.undo(second, who="Ann")
    assert review(store).verdict == "keep"
    with pytest.raises(UsageError, match="taken back already"):
        store.undo(second, who="Ann")
    store.undo(undo, who="Bob")
    assert review(store).verdict == "drop"
    store.undo(store.undo(first, who="Ann"), who="Ann")
    assert len(store.state()) == 6
    with pytest.raises(UsageError, match="no judgement"):
        store.undo("0" * 16, who="Ann")


def test_a_long_chain_of_undos_is_followed(store):
    names = [store.add(judge_clip(CLIP, "star", who="Ann"))]
    rows = dict(store.state().rows)
    for _ in range(3000):
        given = rows[names[0]].model_dump() | {"kind": "undo", "value": names[-1]}
        row = Judgement(**given)
        rows[row.id] = row
        names.append(row.id)
    assert ReviewState(rows.values()).of_clip(Clip.parse(CLIP)).stars
    assert len(ReviewState(rows.values()).undone) == 1500


@pytest.mark.parametrize(
    ("clip_id", "counts"),
    [
        ("00112233445566aa-000100-000200", True),  # a window of it
        ("00112233445566aa-000100-000500", True),  # half of it was seen
        ("00112233445566aa-000100-000501", False),
        ("00112233445566aa-000250-000350", True),
        ("00112233445566aa-000251-000351", False),
        ("00112233445566ab-000100-000300", False),  # another content
    ],
)
def test_a_judgement_counts_where_it_covers_half_of_the_frames(store, clip_id, counts):
    store.add(judge_clip(CLIP, "drop", who="Ann"))
    assert review(store, clip_id).verdict == ("drop" if counts else "")


def test_of_several_ranges_the_best_fitting_counts(store):
    store.add(judge_clip("00112233445566aa-000100-000200", "keep", who="Ann"))
    store.add(judge_clip(CLIP, "drop", who="Ann"))
    assert review(store, "00112233445566aa-000100-000200").verdict == "keep"
    assert review(store, "00112233445566aa-000200-000300").verdict == "drop"


def test_files_of_two_people_are_put_together_by_copying(tmp_path, store, workspace):
    other = Workspace.open(tmp_path / "other", create=True)
    theirs = ReviewStore.open(other)
    store.add(judge_clip(CLIP, "keep", who="Ann"))
    theirs.add(judge_clip(CLIP, "drop", who="Bob"))
    for path in files_of(other):
        shutil.copy(path, Path(workspace.root, "review"))
        shutil.copy(path, Path(workspace.root, "review", "again.jsonl"))
    assert len(store.state()) == 2
    assert review(store).verdict == "conflict"


def test_merging_adds_what_is_not_known_once(tmp_path, store, workspace):
    other = Workspace.open(tmp_path / "other", create=True)
    theirs = ReviewStore.open(other)
    gone = theirs.add(judge_clip(CLIP, "drop", who="Bob"))
    theirs.undo(gone, who="Bob")
    merged = store.merge([Path(other.root)])
    assert (merged.added, merged.known, merged.lost) == (2, 0, {})
    assert review(store).verdict == ""
    again = store.merge(files_of(other))
    assert (again.added, again.known) == (0, 2)
    assert len(files_of(workspace)) == 1
    with pytest.raises(UsageError, match="not there"):
        store.merge([tmp_path / "nothing.jsonl"])
    (tmp_path / "picture.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n" * 100)
    with pytest.raises(UsageError, match="no file of judgements"):
        store.merge([tmp_path / "picture.jsonl"])


def test_damage_costs_the_lines_that_it_hit(store, workspace):
    for tag in ("one", "two", "three", "four"):
        store.add(judge_clip(CLIP, "tag", tag, who="Ann"))
    (path,) = files_of(workspace)
    data = path.read_bytes()
    path.write_bytes(data[:-40])
    assert review(store).tags == ("one", "three", "two")
    (damage,) = store.state().damages
    assert damage.rows == 1 and "3 others count" in damage.reason
    path.write_bytes(data.replace(b'"value": "two"', b'"value": "TWO"'))
    assert review(store).tags == ("four", "one", "three")
    assert "altered" in store.state().damages[0].reason
    path.write_bytes(b"\xff\xfe\x00\n" + b"[" * 100_000 + b"\n" + data)
    assert review(store).tags == ("four", "one", "three", "two")
    assert store.state().damages[0].rows == 2


def test_rows_of_a_later_version_are_left_alone(store, workspace):
    store.add(judge_clip(CLIP, "star", who="Ann"))
    path = files_of(workspace)[0].with_name("later.jsonl")
    path.write_text(json.dumps({"version": 2, "gesture": "wave"}) + "\n")
    state = store.state()
    assert (state.newer, len(state), state.damages) == (1, 1, ())


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("caption", "x" * 10_000_000, "10000000 characters, but at most 4000"),
        ("caption", " ", "a text is needed"),
        ("tag", "a\nb", r"character 2 \(U\+000A\)"),
        ("note", "a\x1b[31mb", r"U\+001B"),
        ("caption", "pay \u202egnp.exe", r"U\+202E"),
        ("note", "\ud800", r"U\+D800"),
        ("star", "very", "none may be given"),
    ],
)
def test_texts_that_cannot_be_taken_are_refused_with_words(kind, value, message):
    with pytest.raises(ValueError, match=message):
        judge_clip(CLIP, kind, value, who="Ann")


def test_names_are_composed_and_needed():
    assert judge_clip(CLIP, "star", who=" Ame\u0301lie ").who == "Am\u00e9lie"
    with pytest.raises(ValueError, match="name of a person"):
        judge_clip(CLIP, "star", who=" ")
    with pytest.raises(ValueError, match="not a clip id"):
        judge_clip("../../etc", "star", who="Ann")


def test_a_hostile_name_is_no_path(store, workspace):
    store.add(judge_clip(CLIP, "star", who="../../<b>Bob</b>/\\"))
    store.add(judge_clip(CLIP, "star", who="b-bob-b"))
    assert len(files_of(workspace)) == 2
    assert {row.who for row in review(store).stars} == {"../../<b>Bob</b>/\\", "b-bob-b"}


def test_stores_that_write_at_once_lose_nothing(workspace):
    stores = [ReviewStore.open(workspace.root) for _ in range(4)]

    def judge(store: ReviewStore, who: str) -> None:
        for number in range(20):
            store.add(judge_clip(CLIP, "tag", f"{who} {number}", who="Ann"))

    threads = [threading.Thread(target=judge, args=(stores[at % 4], f"t{at}")) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ReviewStore.open(workspace.root).state()) == 160


def test_a_long_session_goes_on_in_a_new_file(store, workspace):
    for number in range(90):
        store.add(judge_clip(CLIP, "note", f"{number} " + "n" * 3000, who="Ann"))
    assert len(files_of(workspace)) == 3
    assert len(review(store).notes) == 90


def test_a_storage_that_refuses_loses_nothing_and_says_so(store, workspace):
    store.add(judge_clip(CLIP, "star", who="Ann"))
    folder = Path(workspace.root, "review")
    shutil.move(folder, folder.with_name("away"))
    folder.write_text("a file where the folder was")
    with pytest.raises(StorageError, match="cannot write"):
        store.add(judge_clip(CLIP, "star", who="Ann"))
    folder.unlink()
    shutil.move(folder.with_name("away"), folder)
    store.add(judge_clip(CLIP, "keep", who="Ann"))
    assert len(ReviewStore.open(workspace.root).state()) == 2
