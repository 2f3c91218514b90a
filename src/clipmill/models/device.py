"""Where networks run, in which precision: the same answer for every backend."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy.typing as npt
import torch

from clipmill.errors import NoRoomError, UsageError

_NO_GPU = (
    "{what} needs a GPU, and torch sees none. "
    "The profile `embedded` runs every stage without one: clipmill run --profile embedded"
)


def choose_device(
    wanted: str = "auto", *, need_gpu: bool = False, what: str = "this backend"
) -> torch.device:
    """Return the device that a backend's networks run on.

    Args:
        wanted: `auto` (the first of cuda, mps, cpu that there is) or a torch device such as `cpu`,
            `cuda:1` or `mps`.
        need_gpu: Refuse to fall back on the CPU under `auto`. A CPU asked for by name is given.
        what: Named in errors, e.g. `objects backend 'oneformer'`.

    Raises:
        UsageError: No such device here, or a GPU is needed and there is none.
    """
    if wanted == "auto":
        return _best(need_gpu=need_gpu, what=what)
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise UsageError(
            f"{what}: there is no device '{wanted}'; take auto, cuda, cuda:N, mps or cpu"
        ) from error
    if device.type == "cuda":
        _check_cuda(device, what=what)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"{what}: device 'mps' needs an Apple GPU, and torch sees none")
    return device


def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """Return a context for mixed precision: bfloat16 on CUDA, nothing elsewhere.

    GPUs before Ampere have no bfloat16 of their own and stay at full precision.
    """
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


def full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which CUDA convolutions keep all 24 bits of float32.

    By default cuDNN rounds their inputs to 11 bits (TF32), which can move a score over a
    threshold.
    """
    if device.type == "cuda":
        return torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        )
    return nullcontext()


def inference() -> AbstractContextManager[Any]:
    """Return the context that every forward pass runs in: no gradients, no version counters."""
    return torch.inference_mode()


def pinned(array: npt.NDArray[Any], device: torch.device | None) -> npt.NDArray[Any]:
    """Return an array that a GPU can fetch by itself; to be called in `load`.

    On CUDA it is a copy in page-locked memory, elsewhere, and without a device, the array itself.
    """
    if device is None or device.type != "cuda":
        return array
    copy: npt.NDArray[Any] = torch.from_numpy(array).pin_memory().numpy()
    return copy


def sent(array: npt.NDArray[Any], device: torch.device) -> torch.Tensor:
    """Return a `pinned` array on a device; the copy runs while the next kernels are queued.

    The array has to live, unchanged, until something of the result has come back.
    """
    return torch.from_numpy(array).to(device, non_blocking=True)


def check_memory(device: torch.device, *, needed_bytes: int, what: str) -> None:
    """Refuse early when a model cannot fit, instead of failing on every clip.

    Args:
        device: As chosen; only CUDA devices tell their free memory.
        needed_bytes: Weights plus the smallest batch.
        what: Named in the error.

    Raises:
        NoRoomError: Less is free, with both figures.
    """
    if device.type != "cuda":
        return
    free, total = torch.cuda.mem_get_info(device)
    if free < needed_bytes:
        raise NoRoomError(
            f"{what} needs about {needed_bytes / 2**30:.1f} GiB of GPU memory; {device} has "
            f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free. End other programs on it, take "
            "fewer workers, or run the profile `embedded`, which needs no GPU"
        )


def _best(*, need_gpu: bool, what: str) -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    if need_gpu:
        raise UsageError(_NO_GPU.format(what=what))
    return torch.device("cpu")


def _check_cuda(device: torch.device, *, what: str) -> None:
    if not torch.cuda.is_available():
        raise UsageError(_NO_GPU.format(what=what))
    count = torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise UsageError(f"{what}: there is no GPU {device.index}; torch sees {count}")
