"""GPUs are counted without CUDA, and those that are hidden from a process stay hidden."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clipmill.engine.resources.gpus import Gpu, find_gpus

TWO_CARDS = "GPU-aaaa, 81559, 81000, H100\\nGPU-bbbb, 40960, 1000, A100\\n"


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program where the driver's would be."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '{TWO_CARDS}'\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tool


def test_the_driver_names_cards_and_their_memory(driver: Path) -> None:
    assert find_gpus({}) == (
        Gpu("GPU-aaaa", 81559 << 20, 81000 << 20, "H100"),
        Gpu("GPU-bbbb", 40960 << 20, 1000 << 20, "A100"),
    )


def test_numbers_name_cards_of_one_kind_in_the_driver_s_order(driver: Path) -> None:
    driver.write_text(f"#!/bin/sh\nprintf '{TWO_CARDS.replace('A100', 'H100')}'\n")
    (second,) = find_gpus({"CUDA_VISIBLE_DEVICES": "1"})
    assert second == Gpu("1", 40960 << 20, 1000 << 20, "H100")


@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        ("GPU-bbbb", ["GPU-bbbb"]),
        ("1, 0", ["1", "0"]),
        ("MIG-cccc", ["MIG-cccc"]),
        ("0,-1,1", ["0"]),
        ("", []),
        ("-1", []),
    ],
)
def test_what_is_hidden_from_the_parent_is_hidden_from_workers(
    driver: Path, allowed: str, names: list[str]
) -> None:
    found = find_gpus({"CUDA_VISIBLE_DEVICES": allowed})
    assert [gpu.visible for gpu in found] == names
    # A number does not say which card it is: the smaller one is reckoned with.
    assert {gpu.memory for gpu in found} <= {40960 << 20}


def test_a_driver_that_cannot_answer_has_no_cards(driver: Path) -> None:
    driver.write_text("#!/bin/sh\nexit 9\n")
    assert len(find_gpus({})) == len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def test_cards_of_which_the_driver_does_not_know_the_memory(driver: Path) -> None:
    driver.write_text("#!/bin/sh\nprintf 'GPU-aaaa, [N/A], [N/A], Orin\\n'\n")
    assert find_gpus({}) == (Gpu("GPU-aaaa", 0, None, "Orin"),)


def test_cards_can_be_pretended(driver: Path) -> None:
    pretended = find_gpus({"CLIPMILL_GPUS": "8", "CUDA_VISIBLE_DEVICES": "3"})
    assert [gpu.visible for gpu in pretended] == list("01234567")
    assert find_gpus({"CLIPMILL_GPUS": "0"}) == ()


def test_torch_is_not_even_imported_for_it() -> None:
    code = (
        "import sys; from clipmill.engine.local import LocalEngine; LocalEngine(None).resources; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
