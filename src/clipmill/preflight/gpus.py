"""GPUs, and whether the steps that are hopeless without one fit into their memory."""

import importlib.util
from collections.abc import Iterator, Sequence

from clipmill.engine.resources.gpus import Gpu, find_gpus
from clipmill.errors import UsageError
from clipmill.preflight.examined import Examined, Wanted
from clipmill.preflight.finding import Finding

_EMBEDDED = "take a machine with one, or a profile that needs none: --profile embedded"
_GIB = 2**30


def check_gpus(examined: Examined) -> Iterator[Finding]:
    """Yield the GPUs, and for each step that needs one whether it fits."""
    stages = [wanted for wanted in examined.wanted if needs_gpu(wanted) and wanted.reached]
    if not stages:
        return
    cards = find_gpus()
    problem = _no_gpu(cards)
    if problem:
        for wanted in stages:
            yield Finding("GPU", wanted.title, "missing", problem, _EMBEDDED, step=_step(wanted))
        return
    for card in cards:
        yield Finding("GPU", f"GPU {card.visible}", "ok", _described(card))
    for wanted in stages:
        yield _fit(wanted, cards)


def needs_gpu(wanted: Wanted) -> bool:
    """Tell whether a step is hopeless without a GPU; a CPU asked for by name is given."""
    return wanted.backend.needs.gpu and wanted.backend.gpu_share(wanted.config) > 0


def _no_gpu(cards: Sequence[Gpu]) -> str:
    """Return why no GPU can be used; empty where one can."""
    spec = importlib.util.find_spec("torch")
    if cards:
        return _built_without(spec.origin) if spec and spec.origin else ""
    if spec is None:
        return "no GPU: the driver of NVIDIA names none"
    # Neither Apple's nor AMD's are named by that driver; torch takes long to load, and knows.
    from clipmill.models.device import choose_device

    try:
        choose_device("auto", need_gpu=True)
    except UsageError:
        return "no GPU that torch sees"
    return ""


def _built_without(origin: str) -> str:
    """Return what is wrong with a torch that can use no GPU; its package is not imported."""
    path = origin.removesuffix("__init__.py") + "version.py"
    spec = importlib.util.spec_from_file_location("clipmill_looks_at_torch_version", path)
    if spec is None or spec.loader is None:
        return ""
    version = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(version)
    except OSError:  # a build of one's own, laid out otherwise: its setup will tell
        return ""
    if getattr(version, "cuda", None) or getattr(version, "hip", None):
        return ""
    return f"torch {version.__version__} is built for CPUs and sees none; install a build with CUDA"


def _fit(wanted: Wanted, cards: Sequence[Gpu]) -> Finding:
    """Compare a step's need with every card."""
    needed = wanted.backend.gpu_memory(wanted.config) * _GIB
    if not needed or not all(card.memory for card in cards):
        return Finding("GPU", wanted.title, "ok", "its memory is checked when its model is loaded")
    large = [card for card in cards if card.memory >= needed]
    fitting = [card for card in large if card.free is None or card.free >= needed]
    wants = f"needs {needed / _GIB:.1f} GiB"
    if len(fitting) == len(cards):
        return Finding("GPU", wanted.title, "ok", f"{wants}: fits on {_counted(len(cards))}")
    if fitting:
        text = f"{wants}: fits on {len(fitting)} of {_counted(len(cards))}"
        return Finding("GPU", wanted.title, "warning", text, "the others get no work of it")
    most = max((c.free if c.free is not None else c.memory) if large else c.memory for c in cards)
    text = f"{wants}; {'free are' if large else 'the largest GPU has'} {most / _GIB:.1f} GiB"
    otherwise = wanted.backend.needs.otherwise or "another backend, or a larger GPU"
    todo = "end other programs on the GPU (nvidia-smi lists them)" if large else f"take {otherwise}"
    return Finding("GPU", wanted.title, "missing", text, todo, step=_step(wanted))


def _step(wanted: Wanted) -> str:
    return wanted.step.title


def _described(card: Gpu) -> str:
    told = [card.name] if card.name else []
    if card.memory:
        told.append(f"{card.memory / _GIB:.1f} GiB")
    if card.free is not None:
        told.append(f"{card.free / _GIB:.1f} GiB free")
    return ", ".join(told) or "found"


def _counted(number: int) -> str:
    return "1 GPU" if number == 1 else f"{number} GPUs"
