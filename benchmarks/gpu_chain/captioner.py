"""A random checkpoint of Qwen2.5-VL that answers with a sentence.

Random weights never say an end, so each call would run to its last token and be asked again.
Here every word of a sentence makes the next one the most likely; all else is random, and the work
per token is that of the real network.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import torch

SENTENCE = (
    "A small brown dog runs along the wet beach at sunset while two children chase it with one red "
    "kite, their shadows long, waves rolling softly behind them under orange clouds."
)
"""30 words, all different: the length that the captions are asked for."""

_TEXT = {
    **{"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28},
    **{"num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064},
    "max_position_embeddings": 128000,
}
_VISION = {
    **{"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16},
    **{"window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]},
}
_TINY_TEXT = {
    **{"hidden_size": 128, "intermediate_size": 64, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096},
}
_TINY_VISION = {
    **{"depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2},
    **{"window_size": 56, "fullatt_block_indexes": [1]},
}
_QUIET = 0.05
"""Factor of what a layer adds, so that the word itself stays the loudest."""


def write_qwen(folder: Path, device: torch.device, *, tiny: bool) -> dict[str, Any]:
    """Write the model (bfloat16 on a GPU), its tokenizer and its picture processor."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokenizer, chain = _tokenizer()
    number: Any = tokenizer.convert_tokens_to_ids
    ends = {"eos_token_id": number("<|im_end|>"), "pad_token_id": number("<|endoftext|>")}
    text = dict(_TINY_TEXT if tiny else _TEXT)
    text["vocab_size"] = max(len(tokenizer), text.get("vocab_size", 0))
    head = text["hidden_size"] // text["num_attention_heads"]
    sections = [head // 8, 3 * head // 16, 3 * head // 16]
    rope = {"rope_type": "default", "mrope_section": sections, "rope_theta": 1e6}
    config = Qwen2_5_VLConfig(
        text_config=text | ends | {"rope_parameters": rope, "tie_word_embeddings": False},
        vision_config=(_TINY_VISION if tiny else _VISION)
        | {"out_hidden_size": text["hidden_size"]},
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )
    with torch.device("meta"):
        network = Qwen2_5_VLForConditionalGeneration._from_config(
            config, dtype=torch.float32 if device.type == "cpu" else torch.bfloat16
        )
    network.to_empty(device=device)
    _draw(network)
    _teach(network, chain)
    network.generation_config.eos_token_id = ends["eos_token_id"]
    network.generation_config.pad_token_id = ends["pad_token_id"]
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    most = {"shortest_edge": 3136, "longest_edge": 50176 if tiny else 12845056}
    Qwen2VLImageProcessorPil(size=most).save_pretrained(folder)
    settings = json.loads((folder / "preprocessor_config.json").read_text("utf-8"))
    assert settings["patch_size"] == 14
    return {"weights": str(folder)}


def _draw(network: torch.nn.Module) -> None:
    """Draw the weights as the library would; computed buffers are in no checkpoint."""
    with torch.no_grad():
        for key, value in network.named_parameters():
            if value.ndim > 1:
                value.normal_(0, 0.02)
            else:
                value.fill_(0.0 if key.endswith("bias") else 1.0)


def _teach(network: Any, chain: list[int]) -> None:
    """Let each token of the chain make the next one the most likely."""
    text = network.model.language_model
    hidden = text.embed_tokens.weight.shape[1]
    with torch.no_grad():
        for layer in text.layers:
            layer.self_attn.o_proj.weight.mul_(_QUIET)
            layer.mlp.down_proj.weight.mul_(_QUIET)
        text.embed_tokens.weight.normal_()
        network.lm_head.weight.normal_(0, 0.01)
        for before, after in itertools.pairwise(chain):
            network.lm_head.weight[after] = text.embed_tokens.weight[before] / hidden**0.5


def _tokenizer() -> tuple[Any, list[int]]:
    """Return a tokenizer of bytes and the sentence's words, and the chain of their numbers."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    kinds = ("im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")
    tokenizer = Qwen2Tokenizer(
        vocab={letter: n for n, letter in enumerate(sorted(ByteLevel.alphabet()))},
        merges=[],
        unk_token=None,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        extra_special_tokens={f"{kind}_token": f"<|{kind}|>" for kind in kinds},
    )
    first, *rest = SENTENCE.split()
    words = [first, *(f" {word}" for word in rest)]
    assert len(set(words)) == len(words)
    tokenizer.add_tokens(words)
    number: Any = tokenizer.convert_tokens_to_ids
    return tokenizer, [tokenizer("\n")["input_ids"][0], *number(words), number("<|im_end|>")]
