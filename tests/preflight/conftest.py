"""What examinations look at: programs, servers and folders that are really there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_server import ModelServer, model_server


@pytest.fixture(autouse=True)
def own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of weights with nothing in it."""
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path / "weights"))
    for name in ("CLIPMILL_OFFLINE", "HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES", "CLIPMILL_GPUS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "weights"


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a program where the driver's would be; given are its lines."""

    def install(lines: str) -> None:
        folder = tmp_path / "driver"
        folder.mkdir(exist_ok=True)
        tool = folder / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return install


@pytest.fixture
def models() -> Iterator[ModelServer]:
    """A server on this machine."""
    with model_server() as server:
        yield server
