"""A hub on the loopback and an empty cache for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from weights_server import Hub, Serving, only_this_hub

from clipmill.weights.cache import Cache


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A running hub that `HF_ENDPOINT` names."""
    with only_this_hub(Serving(Hub()), monkeypatch, tmp_path / "hub-home") as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """An empty cache that `CLIPMILL_WEIGHTS_DIR` names."""
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path / "weights"))
    return Cache(tmp_path / "weights")
