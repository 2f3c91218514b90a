"""Which device is taken, and what is said when it is not there."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'models'")

from clipmill.errors import NoRoomError, UsageError  # noqa: E402
from clipmill.models.device import (  # noqa: E402
    autocast,
    check_memory,
    choose_device,
    full_precision,
    inference,
    pinned,
    sent,
)

CPU = torch.device("cpu")
no_gpu = pytest.mark.skipif(
    torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU"
)
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@no_gpu
def test_without_a_gpu_the_error_names_the_profile_that_needs_none() -> None:
    assert choose_device() == CPU
    with pytest.raises(UsageError, match=r"objects backend 'x'.*--profile embedded"):
        choose_device(need_gpu=True, what="objects backend 'x'")
    with pytest.raises(UsageError, match="--profile embedded"):
        choose_device("cuda")
    with pytest.raises(UsageError, match="Apple"):
        choose_device("mps")


def test_a_cpu_asked_for_by_name_is_given() -> None:
    assert choose_device("cpu", need_gpu=True) == CPU


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(UsageError, match="no device 'gpu'; take auto, cuda"):
        choose_device("gpu")


def test_on_the_cpu_nothing_is_cast_or_checked() -> None:
    left = torch.full((2, 2), 1 / 3)
    with inference(), autocast(CPU), full_precision(CPU):
        product = left @ left
    assert product.dtype == torch.float32
    assert product.is_inference()
    check_memory(CPU, needed_bytes=2**60, what="anything")
    pictures = np.zeros((2, 3), np.uint8)
    assert pinned(pictures, CPU) is pictures
    assert sent(pictures, CPU).data_ptr() == pictures.ctypes.data  # nothing was copied


@gpu
def test_on_a_gpu() -> None:
    device = choose_device(need_gpu=True)
    assert device.type == "cuda"
    with pytest.raises(UsageError, match="no GPU 99"):
        choose_device("cuda:99")
    with pytest.raises(NoRoomError, match=r"needs about 1048576\.0 GiB"):
        check_memory(device, needed_bytes=2**50, what="a network")
    pictures = pinned(np.arange(6, dtype=np.uint8).reshape(2, 3), device)
    assert torch.from_numpy(pictures).is_pinned()
    assert (sent(pictures, device).cpu().numpy() == pictures).all()
    values = torch.rand(4, 4, device=device)
    with inference(), autocast(device):
        expected = torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
        assert (values @ values).dtype == expected
