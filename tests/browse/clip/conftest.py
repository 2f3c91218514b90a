"""A served workspace of clips whose frames show their number."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from counted_clips import build_counted
from shared_folder import shared_folder

from clipmill.browse.site import OpenRun, Site


@pytest.fixture(scope="session")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a workspace of this process, in which servers keep what they cut."""
    shared = shared_folder(tmp_path_factory, "counted", build_counted)
    folder = tmp_path_factory.mktemp("counted")
    shutil.copytree(shared / "workspace", folder / "workspace")
    return folder


@pytest.fixture(scope="session")
def counted_site(
    counted: Path, serving: Callable[..., AbstractContextManager[Site]]
) -> Iterator[Site]:
    with serving(str(counted / "workspace")) as site:
        yield site


@pytest.fixture(scope="session")
def ids(counted: Path) -> dict[str, str]:
    """Video ids by path."""
    names = OpenRun.open(str(counted / "workspace")).listing.names().to_pylist()
    return {row["relative_path"]: row["video_id"] for row in names}
