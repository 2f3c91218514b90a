"""Each GPU's memory against each step, with a program in the place of the driver's."""

import importlib.util
import sys
import types

import pytest

from clipmill.config import load_profile
from clipmill.config.overrides import with_settings
from clipmill.preflight.examined import Examined, wanted_of
from clipmill.preflight.finding import Finding
from clipmill.preflight.gpus import check_gpus

H100 = "GPU-{}, 81559, 81000, NVIDIA H100"
L4 = "GPU-{}, 23034, 22500, NVIDIA L4"


@pytest.fixture(autouse=True)
def built_with_cuda(tmp_path, monkeypatch):
    """A torch of which nothing but its version is read."""
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('not to be imported')")
    (package / "version.py").write_text("__version__ = '2.13.0'\ncuda = '13.0'\nhip = None\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    importlib.invalidate_caches()
    yield package
    sys.path_importer_cache.clear()


def look(*settings: str, until: str = "") -> dict[str, Finding]:
    pipeline = with_settings(load_profile("frameino"), settings)
    found = list(check_gpus(Examined(pipeline, wanted_of(pipeline, until))))
    return {finding.name: finding for finding in found}


def test_every_step_is_compared_with_every_card(cards):
    cards("\n".join([H100.format("a"), H100.format("b")]))
    found = look()
    assert {f.state for f in found.values()} == {"ok"}
    assert found["GPU GPU-a"].text == "NVIDIA H100, 79.6 GiB, 79.1 GiB free"
    assert found["caption (transformers)"].text == "needs 74.0 GiB: fits on 2 GPUs"
    steps = {"objects", "camera", "caption", "tracks", "inout"}
    assert {name.split()[0] for name in found} == {"GPU", *steps}


def test_a_step_that_no_card_holds_is_missing_and_says_what_else_there_is(cards):
    cards(L4.format("a"))
    found = look()
    caption = found.pop("caption (transformers)")
    assert caption.state == "missing" and caption.step == "caption"
    assert caption.text == "needs 74.0 GiB; the largest GPU has 22.5 GiB"
    assert "caption.backend=openai" in caption.todo
    assert {f.state for f in found.values()} == {"ok"}
    assert "caption (transformers)" not in look(until="camera")
    # What it says helps: neither asks for more than there is.
    assert "caption (openai)" not in look("caption.backend=openai")
    small = look("caption.config.model=Qwen/Qwen2.5-VL-7B-Instruct")["caption (transformers)"]
    assert small.state == "ok"


def test_a_step_that_fits_on_some_cards_only_is_warned_of(cards):
    cards("\n".join([H100.format("a"), L4.format("b")]))
    found = look()["caption (transformers)"]
    assert (found.state, found.text) == ("warning", "needs 74.0 GiB: fits on 1 of 2 GPUs")


def test_memory_that_others_hold_is_told(cards):
    cards("GPU-a, 81559, 1000, NVIDIA H100")
    found = look()["objects (oneformer)"]
    assert found.state == "missing" and found.text == "needs 4.0 GiB; free are 1.0 GiB"
    assert "nvidia-smi" in found.todo


def test_a_card_that_is_hidden_does_not_count(cards, monkeypatch):
    cards("\n".join(["GPU-a, 81559, 0, NVIDIA H100", H100.format("b")]))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert {f.state for f in look().values()} == {"ok"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "missing" in {f.state for f in look().values()}


def test_a_torch_that_is_built_for_cpus_is_told(cards, built_with_cuda):
    cards(H100.format("a"))
    (built_with_cuda / "version.py").write_text("__version__ = '2.13.0+cpu'\ncuda = None\n")
    found = look()
    assert {f.state for f in found.values()} == {"missing"}
    assert "2.13.0+cpu is built for CPUs" in found["tracks (cotracker3)"].text


def test_without_driver_and_torch_there_is_no_gpu(monkeypatch, tmp_path, built_with_cuda):
    monkeypatch.setenv("PATH", str(tmp_path))
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "torch" else real(name, *a)
    )
    found = look()
    assert len(found) == 5 and {f.state for f in found.values()} == {"missing"}
    assert all("embedded" in f.todo for f in found.values())


def test_a_cpu_asked_for_by_name_is_given(cards):
    cards(L4.format("a"))
    assert "caption (transformers)" not in look("caption.config.device=cpu")


def test_profiles_without_networks_ask_no_driver(monkeypatch):
    pipeline = load_profile("embedded")
    module = sys.modules["clipmill.preflight.gpus"]
    monkeypatch.setattr(module, "find_gpus", types.SimpleNamespace())  # not to be called
    assert not list(check_gpus(Examined(pipeline, wanted_of(pipeline))))
