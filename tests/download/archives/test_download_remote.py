"""A remote file reads like the bytes it stands for, wherever the reads fall."""

import io
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from weights_server import Hub, random_bytes

from clipmill.download.archives.remote import TAIL_BYTES, HubRangeFile
from clipmill.download.archives.repository import PartFile, open_hub
from clipmill.net.errors import DownloadError
from clipmill.net.retry import Retries

DATA = random_bytes(TAIL_BYTES + 150_000)
CUTS = [0, 70_000, 70_001, 149_990, len(DATA)]


def pieces(hub: Hub) -> list[PartFile]:
    found = []
    for number, (start, end) in enumerate(pairwise(CUTS)):
        hub.plain[f"/p{number}"] = DATA[start:end]
        found.append(PartFile(f"p{number}", f"{hub.url}/p{number}", end - start))
    return found


reads = st.lists(st.tuples(st.integers(0, len(DATA)), st.integers(0, 90_000)), max_size=6)
windows = st.tuples(st.integers(0, len(DATA)), st.integers(0, len(DATA)))


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(reads=reads, window=windows)
def test_reads_equal_those_of_a_local_file(hub: Hub, reads: list, window: tuple[int, int]):
    local = io.BytesIO(DATA)
    with HubRangeFile(pieces(hub), hub=open_hub(retries=Retries(sleep=lambda _: None))) as remote:
        remote.set_window(*window)
        for place, count in reads:
            assert remote.seek(place) == local.seek(place)
            assert remote.read(count) == local.read(count)
            assert remote.tell() == local.tell()
        assert remote.seek(-5, io.SEEK_END) == len(DATA) - 5
        assert remote.read() == DATA[-5:]


def test_a_window_is_one_request_and_nothing_outside_is_read(hub: Hub):
    with HubRangeFile(pieces(hub), hub=open_hub()) as remote:
        hub.seen.clear()
        remote.set_window(1000, 60_000)
        remote.seek(1000)
        assert b"".join(remote.read(5_900) for _ in range(10)) == DATA[1000:60_000]
        assert [seen.range for seen in hub.seen] == ["bytes=1000-59999"]


def test_a_file_that_became_shorter_is_refused(hub: Hub):
    with HubRangeFile(pieces(hub), hub=open_hub(retries=Retries(sleep=lambda _: None))) as remote:
        hub.plain["/p0"] = b"short"
        remote.seek(100)
        with pytest.raises(DownloadError, match="p0"):
            remote.read(50)
