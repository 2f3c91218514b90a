"""A served workspace of clips whose frames show their number."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from counted_clips import build_counted

from clipmill.browse.site import OpenRun, Site


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counted")
    build_counted(folder)
    return folder


@pytest.fixture(scope="module")
def counted_site(
    counted: Path, serving: Callable[..., AbstractContextManager[Site]]
) -> Iterator[Site]:
    with serving(str(counted / "workspace")) as site:
        yield site


@pytest.fixture(scope="module")
def ids(counted: Path) -> dict[str, str]:
    """Video ids by path."""
    names = OpenRun.open(str(counted / "workspace")).listing.names().to_pylist()
    return {row["relative_path"]: row["video_id"] for row in names}
