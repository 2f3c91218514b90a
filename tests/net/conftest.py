"""A hub on the loopback for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from weights_server import Hub, Serving, only_this_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A running hub that `HF_ENDPOINT` names."""
    with only_this_hub(Serving(Hub()), monkeypatch, tmp_path / "hub-home") as running:
        yield running
