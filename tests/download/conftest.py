"""A hub on the loopback for every test; its server is shared with the tests of weights."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for folder in (Path(__file__).parent, Path(__file__).parents[1] / "weights"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from dataset_server import DataHub, ServingDatasets  # noqa: E402
from huggingface_hub.utils import close_session  # noqa: E402


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DataHub]:
    """A running hub that `HF_ENDPOINT` names; no token, no proxy."""
    for name in ("HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "CLIPMILL_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    monkeypatch.setenv("NO_PROXY", "*")
    with ServingDatasets(DataHub()) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        # The library's session remembers the proxies of its first use.
        close_session()
        yield running
        close_session()
