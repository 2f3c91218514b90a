"""Fixtures shared by all tests: real clips, made once per session."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import calm_processes  # noqa: F401 - first
import pytest
from isnet_weights import isnet_weights
from small_disks import small_disk

from media import ZOO, make_clip

_RECIPES = {recipe.name: recipe for recipe in ZOO}
_SHARED_VIDEOS = Path(__file__).parents[2] / "shared" / "videos"


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that holds the session's clips; never write over what is there."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def clips(media_folder: Path) -> Callable[..., Path]:
    """Return `clips(name, **options)`: the path of a clip, made by `make_clip` on first use."""
    made: dict[str, dict[str, Any]] = {}

    def clip(name: str, **options: Any) -> Path:
        path = media_folder / name
        if name not in made:
            make_clip(path, **options)
            made[name] = options
        assert made[name] == options, f"{name} was made with other options: {made[name]}"
        return path

    return clip


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return `zoo(name)`: the path of one of `media.ZOO`, files with known traps."""
    folder = tmp_path_factory.mktemp("zoo")
    return lambda name: _RECIPES[name].make(folder)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of one megabyte."""
    with small_disk(tmp_path / "tiny", size="1m") as disk:
        yield disk


@pytest.fixture(scope="session")
def isnet() -> Path:
    """The ONNX file of IS-Net, in the user's cache."""
    return isnet_weights()


@pytest.fixture(scope="session")
def shared_videos() -> Path:
    """Folder with real clips and their INDEX.tsv, where the machine has one."""
    if not (_SHARED_VIDEOS / "INDEX.tsv").exists():
        pytest.skip(f"needs the folder of real clips {_SHARED_VIDEOS}")
    return _SHARED_VIDEOS
