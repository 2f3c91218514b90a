"""A hub on the loopback and an empty cache for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from weights_server import Hub, Serving

from clipmill.weights.cache import Cache


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A running hub that `HF_ENDPOINT` names; no token, no other cache, no proxy."""
    for name in ("HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "CLIPMILL_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    monkeypatch.setenv("NO_PROXY", "*")
    with Serving(Hub()) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """An empty cache that `CLIPMILL_WEIGHTS_DIR` names."""
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path / "weights"))
    return Cache(tmp_path / "weights")
