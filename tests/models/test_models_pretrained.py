"""Checkpoints of the library models, in the real format: every key fits or is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_models

from clipmill.errors import UsageError

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")
pytest.importorskip("transformers", reason="needs transformers (extra frameino)")

from safetensors.torch import load_file, save_file  # noqa: E402

from clipmill.models.qwen_vl import VideoCaptioner  # noqa: E402
from clipmill.models.sam2 import VideoMasker  # noqa: E402
from clipmill.models.segmenter import Segmenter  # noqa: E402

CPU = torch.device("cpu")
LOADERS = {
    "oneformer": Segmenter,
    "mask2former": Segmenter,
    "sam2": VideoMasker,
    "qwen": VideoCaptioner,
}
# A key of each, as the file has it and as the network calls it.
KEYS = {
    "oneformer": ("model.transformer_module.level_embed.weight",) * 2,
    "mask2former": ("class_predictor.bias",) * 2,
    "sam2": ("memory_encoder.projection.bias",) * 2,
    "qwen": ("visual.merger.mlp.2.bias", "model.visual.merger.mlp.2.bias"),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return `checkpoint(name)`: a folder of one's own with a tiny checkpoint that fits."""
    torch.set_num_threads(1)
    base = tmp_path_factory.mktemp("pretrained")

    def copy(name: str) -> Path:
        whole = base / name
        if not whole.exists():
            getattr(tiny_models, f"write_{name}")(whole)
        mine = tmp_path_factory.mktemp(name) / "checkpoint"
        shutil.copytree(whole, mine)
        return mine

    return copy


def change(folder: Path, **tensors: "torch.Tensor | None") -> None:
    """Set tensors of a checkpoint, or take them out where they are None."""
    path = folder / "model.safetensors"
    stored = load_file(path) | tensors
    kept = {key: value for key, value in stored.items() if value is not None}
    save_file(kept, path, metadata={"format": "pt"})


def load(name: str, folder: Path) -> None:
    LOADERS[name](str(folder), revision=None, device=CPU)


@pytest.mark.parametrize("name", LOADERS)
def test_keys_that_do_not_fit_are_named(checkpoint: Callable[[str], Path], name: str) -> None:
    folder = checkpoint(name)
    load(name, folder)
    stored, key = KEYS[name]

    change(folder, **{"head_of_another_model.weight": torch.zeros(2)})
    with pytest.raises(UsageError, match=r": unexpected keys head_of_another_model\.weight$"):
        load(name, folder)

    change(folder, **{"head_of_another_model.weight": None, stored: None})
    with pytest.raises(UsageError, match=rf": missing keys {key}$".replace(".", r"\.")):
        load(name, folder)

    change(folder, **{stored: torch.zeros(3, 1)})
    with pytest.raises(UsageError, match=rf": misshapen keys {key} \[3, 1\] instead of \[\d+"):
        load(name, folder)


def test_all_problems_are_told_at_once(checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint("mask2former")
    change(
        folder,
        **{f"extra.{n}": torch.zeros(1) for n in range(10)},
        **{"class_predictor.bias": None, "class_predictor.weight": torch.zeros(3, 3)},
    )
    with pytest.raises(UsageError, match=r"missing keys .*; unexpected keys .* and 2 more; missh"):
        load("mask2former", folder)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("oneformer", "model.text_mapper.prompt_ctx.weight"),
        ("oneformer", "model.text_mapper.text_encoder.ln_final.bias"),
        ("oneformer", "criterion.old_weight"),
        ("mask2former", "model.pixel_level_module.encoder.bn1.num_batches_tracked"),
        (
            "mask2former",
            "model.pixel_level_module.encoder.encoder.layers.0.blocks.0.attention.self"
            ".relative_position_index",
        ),
    ],
)
def test_what_only_training_uses_may_be_left_over(
    checkpoint: Callable[[str], Path], name: str, key: str
) -> None:
    folder = checkpoint(name)
    change(folder, **{key: torch.zeros(1)})
    load(name, folder)
    # The same keys mean nothing to a model that is not known to carry them.
    other = checkpoint("sam2")
    change(other, **{key: torch.zeros(1)})
    if "relative_position" not in key:
        with pytest.raises(UsageError, match="unexpected keys"):
            load("sam2", other)


def test_what_only_the_loss_uses_may_be_absent(checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint("oneformer")
    change(folder, **{"criterion.empty_weight": None, "criterion.logit_scale": None})
    load("oneformer", folder)


def test_a_half_written_file_is_named(checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint("sam2")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UsageError, match=r"checkpoint.*cannot be loaded"):
        load("sam2", folder)


def test_a_checkpoint_of_another_size_is_refused(checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint("oneformer")
    settings = json.loads((folder / "config.json").read_text())
    settings["num_queries"] = 13
    (folder / "config.json").write_text(json.dumps(settings))
    with pytest.raises(UsageError, match=r"misshapen keys .*queries_embedder\.weight \[12, 32\]"):
        load("oneformer", folder)


@pytest.fixture
def pickled(checkpoint: Callable[[str], Path]) -> Path:
    """Return OneFormer in the file type of its authors."""
    folder = checkpoint("oneformer")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    return folder


def test_pickled_checkpoints_are_held_to_the_same(pickled: Path) -> None:
    load("oneformer", pickled)
    path = pickled / "pytorch_model.bin"
    tensors = torch.load(path, weights_only=True)
    torch.save(tensors | {"extra.weight": torch.zeros(1)}, path)
    with pytest.raises(UsageError, match=r"unexpected keys extra\.weight"):
        load("oneformer", pickled)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UsageError, match=r"checkpoint.*cannot be loaded"):
        load("oneformer", pickled)


class RunsCode:
    """What a malicious checkpoint could hold."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_pickles_run_no_code(pickled: Path, tmp_path: Path) -> None:
    torch.save({"weight": RunsCode(tmp_path / "ran")}, pickled / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"cannot be loaded.*without running code"):
        load("oneformer", pickled)
    assert not (tmp_path / "ran").exists()
