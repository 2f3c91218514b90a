"""Checkpoints under the names and settings that they were published with, years ago.

The names of OneFormer are those that its converter to `transformers` wrote in 2022, the settings of
Qwen2.5-VL are in the form of its config.json of 2025; files saved today differ from both.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models

from clipmill.errors import UsageError

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")
pytest.importorskip("transformers", reason="needs transformers (extra frameino)")

from safetensors.torch import load_file, save_file  # noqa: E402

from clipmill.models.panoptic import MergeRules  # noqa: E402
from clipmill.models.qwen_vl import Shown, VideoCaptioner  # noqa: E402
from clipmill.models.segmenter import Segmenter  # noqa: E402

CPU = torch.device("cpu")
# The wanted names, one pattern a module; what a file of today has beside them is new.
_PARTS = "|".join(
    [
        r"embeddings\.(?:patch_embeddings\.projection|norm)\.(?:weight|bias)",
        r"encoder\.layers\.\d\.blocks\.\d\.layernorm_(?:before|after)\.(?:weight|bias)",
        r"encoder\.layers\.\d\.blocks\.\d\.attention\.self\.(?:query|key|value)\.(?:weight|bias)",
        r"encoder\.layers\.\d\.blocks\.\d\.attention\.self\.relative_position_(?:bias_table|index)",
        r"encoder\.layers\.\d\.blocks\.\d\.attention\.output\.dense\.(?:weight|bias)",
        r"encoder\.layers\.\d\.blocks\.\d\.(?:intermediate|output)\.dense\.(?:weight|bias)",
        r"encoder\.layers\.\d\.downsample\.(?:reduction\.weight|norm\.(?:weight|bias))",
        r"hidden_states_norms\.stage\d\.(?:weight|bias)",
    ]
)
SWIN = rf"model\.pixel_level_module\.encoder\.(?:{_PARTS})"
DECODERS = (
    r"model\.(?:pixel_level_module\.decoder|transformer_module|task_encoder|text_mapper)\..+"
    r"|criterion\.(?:empty_weight|logit_scale)"
)
QWEN = (
    r"visual\.(?:patch_embed\.proj\.weight|merger\..+|blocks\.\d\.(?:attn|mlp|norm[12])\..+)"
    r"|model\.(?:embed_tokens\.weight|norm\.weight|layers\.\d\..+)|lm_head\.weight"
)
FIRST = {
    "do_normalize": True,
    "do_reduce_labels": False,
    "do_rescale": True,
    "do_resize": True,
    "ignore_index": 255,
    "image_mean": [0.485, 0.456, 0.406],
    "image_processor_type": "OneFormerImageProcessor",
    "image_std": [0.229, 0.224, 0.225],
    "class_info_file": "coco_panoptic.json",
    "repo_path": "shi-labs/oneformer_demo",
    "num_text": 134,
    "resample": 2,
}
"""OneFormer's preprocessor_config.json, without the size."""


def with_first_names(folder: Path) -> dict[str, "torch.Tensor"]:
    """Give a tiny OneFormer the file of its first release, pickled; return its tensors."""
    path = folder / "model.safetensors"
    stored = {k: v for k, v in load_file(path).items() if ".swin.layernorm." not in k}
    for key in [key for key in stored if key.endswith("relative_position_bias_table")]:
        index = torch.zeros(16, 16, dtype=torch.int64)
        stored[key.replace("bias_table", "index")] = index
    stored["model.text_mapper.prompt_ctx.weight"] = torch.zeros(2, 4)
    stored["model.text_mapper.text_projector.0.0.weight"] = torch.zeros(4, 4)
    path.unlink()
    torch.save(stored, folder / "pytorch_model.bin")
    return stored


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return `today(name)`: a folder of one's own with a tiny checkpoint, as saved now."""
    base = tmp_path_factory.mktemp("today")

    def copy(name: str) -> Path:
        if not (base / name).exists():
            getattr(tiny_models, f"write_{name}")(base / name)
        mine = tmp_path_factory.mktemp(name) / "checkpoint"
        shutil.copytree(base / name, mine)
        return mine

    return copy


def test_oneformer_under_its_first_names(today: Callable[[str], Path]) -> None:
    old, new = today("oneformer"), today("oneformer")
    stored = with_first_names(old)
    assert all(re.fullmatch(f"{SWIN}|{DECODERS}", key) for key in stored)
    first, now = (Segmenter(str(folder), revision=None, device=CPU) for folder in (old, new))
    # Every tensor of the file went somewhere: all weights but the unread norm are the same.
    left, right = first.model.state_dict(), now.model.state_dict()
    assert set(left) == set(right)
    other = {key for key in left if not torch.equal(left[key], right[key])}
    assert other <= {key for key in left if ".swin.layernorm." in key}
    picture = np.random.default_rng(0).integers(0, 255, (48, 80, 3), np.uint8)
    rules = MergeRules(score=0.0, overlap=0.0)
    found, wanted = (s.segment([picture], rules)[0] for s in (first, now))
    assert [s.label for s in found] == [s.label for s in wanted] != []
    agree = [float((a.mask == b.mask).mean()) for a, b in zip(found, wanted, strict=True)]
    # Sums over threads end in another last bit, and random weights leave pixels undecided.
    assert min(agree) > 0.98


@pytest.mark.parametrize("name", ["oneformer", "mask2former"])
def test_nothing_reads_the_norm_that_old_files_lack(
    today: Callable[[str], Path], name: str
) -> None:
    segmenter = Segmenter(str(today(name)), revision=None, device=CPU)
    picture = np.random.default_rng(1).integers(0, 255, (48, 80, 3), np.uint8)
    rules = MergeRules(score=0.0, overlap=0.0)
    (before,) = segmenter.segment([picture], rules)
    norms = [v for key, v in segmenter.model.state_dict().items() if ".swin.layernorm." in key]
    assert len(norms) == 2
    for values in norms:
        values.fill_(float("nan"))
    (after,) = segmenter.segment([picture], rules)
    assert len(before) == len(after) > 0
    assert all((a.mask == b.mask).all() for a, b in zip(before, after, strict=True))


def test_another_norm_that_is_missing_is_still_named(today: Callable[[str], Path]) -> None:
    folder = today("oneformer")
    stored = with_first_names(folder)
    del stored["model.pixel_level_module.encoder.hidden_states_norms.stage4.bias"]
    torch.save(stored, folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"missing keys .*hidden_states_norms\.stage4\.bias$"):
        Segmenter(str(folder), revision=None, device=CPU)


@pytest.mark.parametrize(
    "size",
    [
        {"size": 800, "max_size": 1333},
        {"size": 800, "_max_size": 1333},
        {"size": {"shortest_edge": 800}, "max_size": 1333},
        {"size": {"shortest_edge": 800, "longest_edge": 1333}},
    ],
)
@pytest.mark.parametrize("kind", ["oneformer", "mask2former"])
def test_the_cap_of_the_longer_side_is_kept(
    today: Callable[[str], Path], size: dict[str, Any], kind: str
) -> None:
    folder = today(kind)
    name = {"oneformer": "OneFormer", "mask2former": "Mask2Former"}[kind]
    settings = FIRST | size | {"image_processor_type": f"{name}ImageProcessor"}
    if kind == "mask2former":
        settings = {k: v for k, v in settings.items() if k not in {"class_info_file", "num_text"}}
        settings["size_divisor"] = 0
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    processor = Segmenter(str(folder), revision=None, device=CPU).processor
    wide, square = np.zeros((288, 512, 3), np.uint8), np.zeros((512, 512, 3), np.uint8)
    # 800 x 1422 without the cap.
    assert processor(images=[wide], return_tensors="pt")["pixel_values"].shape[2:] == (750, 1333)
    assert processor(images=[square], return_tensors="pt")["pixel_values"].shape[2:] == (800, 800)


def flat(folder: Path) -> None:
    """Write the settings of a Qwen2.5-VL as the hub has them: those of the text at the top."""
    settings = json.loads((folder / "config.json").read_text())
    text, vision = settings.pop("text_config"), settings["vision_config"]
    rope = text.pop("rope_parameters")
    old = {key: value for key, value in text.items() if key not in {"model_type", "dtype"}}
    old |= {"rope_theta": rope["rope_theta"], "torch_dtype": "float32"}
    old["rope_scaling"] = {"type": "mrope", "mrope_section": rope["mrope_section"]}
    settings["vision_config"] = {"in_chans": 3, "spatial_patch_size": 14} | {
        key: vision[key]
        for key in (
            *("depth", "hidden_act", "hidden_size", "intermediate_size", "num_heads"),
            *("out_hidden_size", "patch_size", "spatial_merge_size", "window_size"),
            *("fullatt_block_indexes", "tokens_per_second", "temporal_patch_size"),
        )
    }
    for key in ("dtype", "transformers_version", "tie_word_embeddings"):
        settings.pop(key, None)
    settings |= old | {"transformers_version": "4.49.0"}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "min_pixels": 3136,
                "max_pixels": 50176,
                "patch_size": 14,
                "temporal_patch_size": 2,
                "merge_size": 2,
                "image_mean": [0.48145466, 0.4578275, 0.40821073],
                "image_std": [0.26862954, 0.26130258, 0.27577711],
                "image_processor_type": "Qwen2VLImageProcessor",
                "processor_class": "Qwen2_5_VLProcessor",
            }
        )
    )
    (folder / "processor_config.json").unlink()


def test_qwen_under_its_first_names_and_settings(today: Callable[[str], Path]) -> None:
    old, new = today("qwen"), today("qwen")
    flat(old)
    stored = load_file(old / "model.safetensors")
    assert all(re.fullmatch(QWEN, key) for key in stored)
    first, now = (VideoCaptioner(str(folder), revision=None, device=CPU) for folder in (old, new))
    left, right = first.model.state_dict(), now.model.state_dict()
    assert set(left) == set(right)
    assert all(torch.equal(left[key], right[key]) for key in left)
    pictures = np.random.default_rng(2).integers(0, 255, (4, 84, 112, 3), np.uint8)
    shown = Shown(pictures, (0.0, 0.5, 1.0, 1.5), "What is it?")
    assert torch.equal(first.patches(shown).values, now.patches(shown).values)
    (written,) = first.write([shown], max_tokens=40)
    assert written == now.write([shown], max_tokens=40)[0]
    assert written.text == tiny_models.SENTENCE


def test_qwen_under_the_names_that_versions_since_may_write(today: Callable[[str], Path]) -> None:
    folder = today("qwen")
    stored = load_file(folder / "model.safetensors")
    renamed = {
        re.sub(r"^model\.", "model.language_model.", re.sub(r"^visual\.", "\0", key)).replace(
            "\0", "model.visual."
        ): value
        for key, value in stored.items()
    }
    assert not set(renamed) & set(stored) - {"lm_head.weight"}
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    held = VideoCaptioner(str(folder), revision=None, device=CPU).model.state_dict()
    assert set(held) == set(renamed)
    assert all(torch.equal(held[key], value) for key, value in renamed.items())


def test_a_missing_key_is_named_under_old_names_too(today: Callable[[str], Path]) -> None:
    folder = today("qwen")
    flat(folder)
    stored = load_file(folder / "model.safetensors")
    del stored["visual.merger.mlp.2.bias"]
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"missing keys model\.visual\.merger\.mlp\.2\.bias$"):
        VideoCaptioner(str(folder), revision=None, device=CPU)
