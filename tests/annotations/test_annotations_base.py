"""Settings of backends: which of them decide a result."""

from typing import Annotated

import pytest
from pydantic import Field

from clipmill.annotations.base import RUNTIME, BackendConfig
from clipmill.annotations.registry import BACKENDS, find_backend


class Settings(BackendConfig):
    threshold: float = 0.5
    device: Annotated[str, RUNTIME] = Field("auto", description="Where.")
    frames_per_call: Annotated[int | None, RUNTIME] = None


def test_settings_marked_as_runtime_decide_no_result() -> None:
    settings = Settings(threshold=0.1, device="cuda:3", frames_per_call=8)
    assert settings.result_settings() == {"threshold": 0.1}


@pytest.mark.parametrize(("annotation", "backend"), sorted(BACKENDS))
def test_no_backend_recomputes_for_another_device_or_batch(annotation: str, backend: str) -> None:
    config = find_backend(annotation, backend).Config
    runtime = ("device", "threads", "weights", "repo", "concurrency", "timeout", "retries")
    left = {name for name in config().result_settings() if name in runtime or "per_call" in name}
    assert not left
