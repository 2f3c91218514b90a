"""A hub on the loopback for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dataset_server import DataHub, ServingDatasets
from weights_server import only_this_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DataHub]:
    """A running hub that `HF_ENDPOINT` names."""
    with only_this_hub(ServingDatasets(DataHub()), monkeypatch, tmp_path / "hub-home") as running:
        yield running
