"""Clips are loaded ahead of the model, over the ends of units, in bounded memory."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_engine_local import items, spec

from clipmill.annotations.base import ClipInput
from clipmill.clips import Clip, Video, video_id_for
from clipmill.engine.feeding.clips_ahead import ClipsAhead
from clipmill.engine.memory import nbytes_of

FRAMES, WIDTH, HEIGHT = 4, 100, 50
CLIP_BYTES = FRAMES * WIDTH * HEIGHT * 3


def probed(count: int, *, frames: int = FRAMES) -> list[tuple[str, ClipInput]]:
    probe: Any = SimpleNamespace(width=WIDTH, height=HEIGHT)
    video = Video(video_id_for("v"), "", "v", "/nowhere/v", 1)
    clips = (Clip(video.video_id, n * frames, (n + 1) * frames) for n in range(count))
    return [(f"c{n}", ClipInput(video, clip, probe)) for n, clip in enumerate(clips)]


def all_frames(item: ClipInput) -> np.ndarray:
    return np.zeros((item.clip.num_frames, HEIGHT, WIDTH, 3), np.uint8)


@contextmanager
def loading(load: Any, **changes: Any) -> Iterator[tuple[ClipsAhead, list[str]]]:
    begun: list[str] = []
    ahead = ClipsAhead(spec(**changes), on_begin=begun.append)
    try:
        ahead.begin(load)
        yield ahead, begun
    finally:
        ahead.end()


def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def still(ahead: ClipsAhead) -> int:
    """Return how many clips are loaded; -1 while some are being loaded."""
    with ahead._changed:
        return -1 if ahead._held.loading else len(ahead._held.ready)


def keys(jobs: Any) -> list[str]:
    return [job.key for job in jobs]


def test_as_many_are_loaded_as_the_stage_says_and_no_more() -> None:
    with loading(all_frames, ahead=3, decode_threads=2) as (ahead, begun):
        ahead.add(probed(9))
        until(lambda: still(ahead) == 3)
        assert sorted(begun) == ["c0", "c1", "c2"]
        (first,) = keys(ahead.next_batch())
        assert first in begun
        # Without waiting for the next batch: the model is at work now.
        until(lambda: still(ahead) == 3)
        assert sorted(begun) == ["c0", "c1", "c2", "c3"]


def test_bytes_ahead_are_bounded_the_clip_in_the_model_included() -> None:
    settings = {"ahead": 50, "decode_threads": 4, "ahead_bytes": 3 * CLIP_BYTES}
    with loading(all_frames, **settings) as (ahead, begun):
        ahead.add(probed(20))
        until(lambda: len(begun) == 3)
        batch = ahead.next_batch()
        until(lambda: still(ahead) == 2)
        assert len(begun) == 3
        ahead.done(batch)
        until(lambda: len(begun) == 4)


def test_clips_that_load_little_of_their_video_are_not_held_back() -> None:
    def thumbnails(item: ClipInput) -> np.ndarray:
        return all_frames(item)[:1, ::10, ::10]

    settings = {"ahead": 16, "decode_threads": 4, "ahead_bytes": CLIP_BYTES}
    with loading(thumbnails, **settings) as (ahead, begun):
        ahead.add(probed(16))
        until(lambda: len(begun) == 16)


def test_a_clip_larger_than_the_room_is_loaded_by_itself() -> None:
    settings = {"ahead": 5, "decode_threads": 4, "ahead_bytes": 2 * CLIP_BYTES}
    with loading(all_frames, **settings) as (ahead, begun):
        ahead.add(probed(1, frames=100 * FRAMES))
        ahead.add([(f"small{n}", item) for n, (_, item) in enumerate(probed(3))])
        until(lambda: "c0" in begun)
        batch = ahead.next_batch()
        assert still(ahead) == 0
        assert begun == ["c0"]
        ahead.done(batch)
        assert ahead.next_batch()


def test_a_batch_is_what_is_ready_and_a_slow_clip_holds_up_no_other() -> None:
    go = threading.Event()

    def load(item: ClipInput) -> int:
        if item.clip.start == 0:
            go.wait(20)
        return item.clip.start

    with loading(load, ahead=6, batch_size=8, decode_threads=2) as (ahead, begun):
        ahead.add(items(*"abcdef"))
        until(lambda: len(begun) == 6)
        got: list[str] = []
        while len(got) < 5:
            got += keys(ahead.next_batch())
        assert got == list("bcdef")
        go.set()
        assert keys(ahead.next_batch()) == ["a"]
        ahead.close()
        assert ahead.next_batch() == []


def test_clips_go_back_unbegun_ones_first_and_one_stays() -> None:
    with loading(all_frames, ahead=2) as (ahead, _begun):
        ahead.add(probed(6))
        until(lambda: still(ahead) == 2)
        assert ahead.give_back(3) == ["c5", "c4", "c3"]
        assert ahead.give_back(9) == ["c2", "c1"]
        assert ahead.give_back(9) == []
        ahead.close()
        assert keys(ahead.next_batch()) == ["c0"]
        assert ahead.next_batch() == []


def test_the_time_that_a_model_waits_is_told_apart() -> None:
    def load(item: ClipInput) -> int:
        time.sleep(0.2)
        return 0

    with loading(load) as (ahead, _begun):
        threading.Timer(0.2, lambda: ahead.add(items("a"))).start()
        ahead.next_batch()
        assert ahead.waits.work >= 0.1
        assert ahead.waits.decoding >= 0.1
        assert ahead.waits.loading >= 0.2


def test_what_cannot_be_loaded_is_the_clips_own_affair() -> None:
    def load(item: ClipInput) -> int:
        raise ValueError(f"no {item.clip.start}")

    with loading(load, ahead=2) as (ahead, _begun):
        ahead.add(items("a", "b"))
        until(lambda: still(ahead) == 2)
        assert [str(job.error) for job in (*ahead.next_batch(), *ahead.next_batch())] == [
            "no 0",
            "no 1",
        ]


@pytest.mark.parametrize(
    ("loaded", "size"),
    [
        (np.zeros((4, 5), np.float32), 80),
        ([np.zeros(3, np.uint8), b"abc", "text", 5, None], 6),
        ({"a": (np.zeros(2, np.int16),)}, 4),
        (SimpleNamespace(frames=np.zeros(7, np.uint8)), 7),
        (probed(1)[0][1], 0),
    ],
)
def test_bytes_of_what_was_loaded(loaded: Any, size: int) -> None:
    assert nbytes_of(loaded) == size


def test_an_array_that_is_there_twice_counts_once() -> None:
    array = np.zeros(10, np.uint8)
    assert nbytes_of([array, {"again": array}]) == 10


def test_bytes_of_tensors() -> None:
    torch = pytest.importorskip("torch")
    assert nbytes_of([torch.zeros(3, dtype=torch.float16)]) == 6
