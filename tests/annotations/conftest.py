"""Tiny checkpoints of the library models, written once per session."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_models


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return `tiny_model(name, **options)`: the folder of a checkpoint of `tiny_models`."""
    torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")
    # Networks this small only lose by sharing their work among threads.
    torch.set_num_threads(1)
    pytest.importorskip("transformers", reason="needs transformers (extra frameino)")
    made: dict[str, Path] = {}
    folder = tmp_path_factory.mktemp("models")

    def write(name: str, **options: object) -> Path:
        key = "-".join([name, *(f"{k}={str(v)[:8]}" for k, v in sorted(options.items()))])
        if key not in made:
            made[key] = getattr(tiny_models, f"write_{name}")(folder / key, **options)
        return made[key]

    return write
