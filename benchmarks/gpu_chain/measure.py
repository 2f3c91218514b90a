"""One stage in this process: weights, the project's own worker and backend, and what it costs."""

import contextlib
import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import numpy as np
import torch

from clipmill.annotations.base import ClipInput
from clipmill.engine.inprocess import InProcessEngine
from clipmill.engine.memory import peak_rss_bytes
from clipmill.engine.spec import StageSpec
from gpu_chain.stages import Stage

_SEGMENTS = 10
"""Segments in a picture, about what the published network is sure of."""

_GIB = 2**30
_FORGET_PEAK = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Feed:
    """How clips are fed: threads that decode, and clips decoded ahead of the model."""

    threads: int
    ahead: int


@dataclass
class Meter:
    """What a backend was busy with.

    Attributes:
        calls: Begin, end and clips of every call of the model, seconds.
        load_seconds: Time in `load`, of all threads together.
        loads: Clips loaded.
    """

    calls: list[tuple[float, float, int]] = field(default_factory=list)
    load_seconds: float = 0.0
    loads: int = 0


class MeteredBackend:
    """A backend, set up already, that tells the meter when it works."""

    def __init__(self, backend: Any, meter: Meter) -> None:
        self._backend, self._meter, self._lock = backend, meter, Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def setup(self) -> None:
        """Do nothing: the model is there, and stays from one feed to the next."""

    def load(self, item: ClipInput) -> Any:
        began = time.perf_counter()
        try:
            return self._backend.load(item)
        finally:
            with self._lock:
                self._meter.load_seconds += time.perf_counter() - began
                self._meter.loads += 1

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        began = time.perf_counter()
        rows: Sequence[Any] = self._backend.annotate(batch)
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        self._meter.calls.append((began, time.perf_counter(), len(batch)))
        return rows


@dataclass(frozen=True)
class MeteredSpec(StageSpec):
    """A stage whose backend is there already."""

    ready: Any = None

    def make_backend(self) -> Any:
        return self.ready


class GpuWatch:
    """Asks the driver, some times a second, for the share of time in which kernels ran."""

    def __init__(self, device: torch.device) -> None:
        self.samples: list[tuple[float, int]] = []
        self._stop = Event()
        self._thread: Thread | None = None
        if device.type != "cuda":
            return
        with contextlib.suppress(ImportError):
            import pynvml  # type: ignore[import-not-found]

            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlInit()
                handle = pynvml.nvmlDeviceGetHandleByIndex(device.index or 0)
                pynvml.nvmlDeviceGetUtilizationRates(handle)
                self._thread = Thread(target=self._ask, args=(pynvml, handle), daemon=True)

    def __enter__(self) -> "GpuWatch":
        if self._thread:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _ask(self, nvml: Any, handle: Any) -> None:
        while not self._stop.wait(0.1):
            share = nvml.nvmlDeviceGetUtilizationRates(handle).gpu
            self.samples.append((time.perf_counter(), share))

    def share(self, begin: float, end: float) -> float | None:
        """Return the mean share of a span, [0, 1]; None where the driver does not tell."""
        inside = [share for at, share in self.samples if begin <= at <= end]
        return float(np.mean(inside)) / 100 if inside else None


def measure_stage(
    stage: Stage,
    clips: Sequence[ClipInput],
    folder: Path,
    *,
    device: torch.device,
    tiny: bool,
    feeds: Sequence[Feed],
    seconds: float,
) -> Iterator[dict[str, Any]]:
    """Write weights, load them as a user would, and yield the figures of each feed.

    Args:
        stage: The stage.
        clips: Taken in turns.
        folder: An empty one for the weights.
        device: Where networks run.
        tiny: Tiny networks.
        feeds: Measured one after the other.
        seconds: For how long each takes new clips; at least two calls of the model are made.
    """
    began = time.perf_counter()
    settings = stage.write(folder, device, tiny=tiny) | dict(stage.settings)
    settings |= dict(stage.tiny) if tiny else {}
    if stage.on_device:
        settings["device"] = str(device)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    written = time.perf_counter()
    spec = StageSpec(stage.annotation, stage.backend, settings, 600.0, 1, 1)
    backend = spec.make_backend()
    backend.setup()
    loaded = time.perf_counter()
    if stage.calibrate:
        _let_some_segments_through(backend, clips[0])
    base = {
        "weights_gib": sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / _GIB,
        "write_seconds": written - began,
        "setup_seconds": loaded - written,
        "batch": _batch(backend, tiny),
        "settings": {k: v for k, v in settings.items() if isinstance(v, int | float | str | list)},
        "workers": 1,
    }
    seconds = min(seconds, stage.most_seconds)
    for feed in feeds:
        yield base | _measure_feed(
            backend, clips, device=device, feed=feed, batch=_batch(backend, tiny), seconds=seconds
        )


def _batch(backend: Any, tiny: bool) -> int:
    """Return the clips of a call: what the backend says, two at most for tiny networks."""
    return min(backend.batch_size, 2) if tiny else int(backend.batch_size)


def _measure_feed(
    backend: Any,
    clips: Sequence[ClipInput],
    *,
    device: torch.device,
    feed: Feed,
    batch: int,
    seconds: float,
) -> dict[str, Any]:
    meter = Meter()
    spec = MeteredSpec(
        annotation=backend.annotation,
        backend=backend.name,
        config={},
        time_limit=600.0,
        unit_size=1,
        batch_size=batch,
        ahead=feed.ahead,
        decode_threads=feed.threads,
        ready=MeteredBackend(backend, meter),
    )
    with contextlib.suppress(OSError):
        _FORGET_PEAK.write_text("5")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    outcomes = []
    running = InProcessEngine().run(spec, _in_turns(clips))
    with GpuWatch(device) as watch, contextlib.closing(running):
        for lot in running:
            outcomes += lot
            if len(outcomes) >= 2 * batch and time.perf_counter() > began + seconds:
                break
    failures = [outcome.error for outcome in outcomes if outcome.record is None]
    return {
        "decode_threads": feed.threads,
        "ahead": feed.ahead,
        "clips": len(outcomes),
        "failed": len(failures),
        "error": failures[0] if failures else "",
        "peak_host_gib": peak_rss_bytes() / _GIB,
        **_rates(meter, watch, began),
        **_gpu_memory(device),
    }


def _in_turns(clips: Sequence[ClipInput]) -> Iterator[tuple[str, ClipInput]]:
    """Yield the clips again and again, under keys of their own."""
    for number in count():
        yield f"{number:06d}", clips[number % len(clips)]


def _rates(meter: Meter, watch: GpuWatch, began: float) -> dict[str, Any]:
    """Return rates from the end of the first call on, which also warms up, to the last one's."""
    if not meter.calls:
        return {}
    calls = meter.calls[1:] or meter.calls
    begin = meter.calls[0][1] if len(meter.calls) > 1 else began
    end = calls[-1][1]
    done = sum(number for _, _, number in calls)
    busy = sum(stop - start for start, stop, _ in calls)
    return {
        "clips_per_hour": 3600 * done / (end - begin),
        "model_busy": busy / (end - begin),
        "gpu_busy": watch.share(begin, end),
        "model_seconds_a_clip": busy / done,
        "load_seconds_a_clip": meter.load_seconds / max(meter.loads, 1),
        "measured_seconds": end - begin,
        "measured_clips": done,
    }


def _gpu_memory(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"peak_gpu_gib": None, "peak_gpu_reserved_gib": None}
    return {
        "peak_gpu_gib": torch.cuda.max_memory_allocated() / _GIB,
        "peak_gpu_reserved_gib": torch.cuda.max_memory_reserved() / _GIB,
    }


def _let_some_segments_through(backend: Any, clip: ClipInput) -> None:
    """Set a segmenter's threshold so that about ten queries of a picture pass.

    Random weights are sure of nothing, so at the published threshold there would be nothing to
    merge; without one, all 150 queries would be merged.
    """
    model, scores = backend._segmenter.model, []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        kinds = output.class_queries_logits.float().softmax(-1)[0, :, :-1]
        scores.extend(kinds.max(-1).values.tolist())

    handle = model.register_forward_hook(keep)
    loaded = backend.load(clip)
    backend.annotate([replace(loaded, indices=loaded.indices[:1])])
    handle.remove()
    scores.sort(reverse=True)
    backend._rules = replace(backend._rules, score=scores[min(_SEGMENTS, len(scores) - 1)])
