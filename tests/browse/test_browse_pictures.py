"""Videos are decoded in other processes: one that kills its decoder costs one picture."""

import gc
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import picture_crashes
import psutil
import pytest
from browser_asks import ask
from served_site import served

from clipmill.browse.pictures.pool import PictureError, PicturePool
from clipmill.browse.thumbs import routes


@pytest.fixture
def pool():
    made = PicturePool(most=2, memory=1 << 30)
    yield made
    made.close()


def test_tasks_are_done_elsewhere_and_a_process_is_used_again(pool):
    first = pool.make(picture_crashes.process_id)
    assert first != os.getpid()
    assert pool.make(picture_crashes.process_id) == first


@pytest.mark.parametrize(
    ("crash", "said"),
    [
        (picture_crashes.leave, "ended with exit code 7"),
        (picture_crashes.be_killed, "killed by SIGKILL"),
        (picture_crashes.read_nowhere, "killed by SIGSEGV"),
    ],
)
def test_a_death_costs_its_task_and_no_other(pool, crash, said):
    with ThreadPoolExecutor(8) as threads:
        crashes = [threads.submit(pool.make, crash) for _ in range(3)]
        others = [threads.submit(pool.make, picture_crashes.process_id) for _ in range(5)]
        for future in crashes:
            with pytest.raises(PictureError, match=said):
                future.result()
        assert all(future.result() for future in others)


def test_what_takes_too_long_is_ended(pool):
    pool.make(picture_crashes.process_id)
    began = time.monotonic()
    with pytest.raises(PictureError, match=r"more than 0\.5 seconds"):
        pool.make(picture_crashes.hang, seconds=0.5)
    assert time.monotonic() - began < 30
    assert pool.make(picture_crashes.process_id)


def test_memory_is_limited(pool):
    some = partial(picture_crashes.take_memory, 100 << 20)
    much = partial(picture_crashes.take_memory, 2 << 30)
    assert pool.make(some) == 100 << 20
    with pytest.raises(PictureError, match="memory"):
        pool.make(much)
    assert pool.make(some) == 100 << 20


def test_an_error_keeps_its_process(pool):
    first = pool.make(picture_crashes.process_id)
    with pytest.raises(PictureError, match=r"bad\.mp4: no picture in it"):
        pool.make(picture_crashes.fail)
    assert pool.make(picture_crashes.process_id) == first


def test_no_process_outlives_its_pool():
    pool = PicturePool()
    process = psutil.Process(pool.make(picture_crashes.process_id))
    pool.close()
    process.wait(30)
    with pytest.raises(PictureError, match="ending"):
        pool.make(picture_crashes.process_id)
    pool = PicturePool()
    process = psutil.Process(pool.make(picture_crashes.process_id))
    del pool
    gc.collect()
    process.wait(30)


def test_a_video_that_crashes_its_decoder_does_not_end_the_server(tiny, monkeypatch):
    monkeypatch.setattr(routes, "make_clip_thumbnail", picture_crashes.thumbnail_of_hostile)
    with served(tiny.root) as site:
        names = [name for name in site.catalogue.clip_ids.to_pylist() if name]
        hostile = site.catalogue.clip(names[0]).path
        monkeypatch.setenv("CLIPMILL_TEST_HOSTILE", hostile)
        answers = {name: ask(site, f"/thumb/{name}.jpg") for name in names}
        for name, answer in answers.items():
            bad = site.catalogue.clip(name).path == hostile
            assert answer.status == (422 if bad else 200)
            assert (b"SIGSEGV" in answer.read()) == bad
        assert 200 in {answer.status for answer in answers.values()}
        assert ask(site, "/clips").status == 200
