"""Tiny checkpoints with random weights, in the files and the layout of the real ones.

Import inside functions: torch and transformers are not installed everywhere.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

LABELS = {0: "person", 1: "car", 2: "dog", 3: "flower", 4: "sky-other-merged"}

SENTENCE = (
    "A small cat runs across the green yard while one red ball rolls slowly behind it near an old "
    "wooden fence in soft evening light."
)
REFUSAL = "I am sorry, but I cannot help with that."

_SWIN = {
    "model_type": "swin",
    "image_size": 64,
    "embed_dim": 16,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 2, 2, 4],
    "window_size": 4,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
_SEGMENTER = {
    "backbone_config": _SWIN,
    "num_queries": 12,
    "hidden_dim": 32,
    "encoder_layers": 1,
    "encoder_feedforward_dim": 32,
    "dim_feedforward": 32,
    "num_attention_heads": 2,
    "id2label": LABELS,
    "label2id": {name: number for number, name in LABELS.items()},
}
_PICTURE = {"shortest_edge": 96, "longest_edge": 192}


def write_mask2former(folder: Path) -> Path:
    """Write a Mask2Former with a Swin backbone, and its image processor."""
    import torch
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation
    from transformers.models.mask2former.image_processing_pil_mask2former import (
        Mask2FormerImageProcessorPil,
    )

    torch.manual_seed(0)
    config = Mask2FormerConfig(
        **_SEGMENTER, feature_size=32, mask_feature_size=32, decoder_layers=2
    )
    Mask2FormerForUniversalSegmentation(config).save_pretrained(folder)
    Mask2FormerImageProcessorPil(size=_PICTURE).save_pretrained(folder)
    return folder


def write_oneformer(folder: Path) -> Path:
    """Write a OneFormer with a Swin backbone, its image processor and its tokenizer."""
    import torch
    from transformers import OneFormerConfig, OneFormerForUniversalSegmentation
    from transformers.models.oneformer.image_processing_pil_oneformer import (
        OneFormerImageProcessorPil,
    )

    torch.manual_seed(1)
    config = OneFormerConfig(
        **_SEGMENTER,
        conv_dim=32,
        mask_dim=32,
        decoder_layers=3,
        query_dec_layers=1,
        text_encoder_width=32,
        text_encoder_num_layers=1,
        text_encoder_vocab_size=64,
        text_encoder_proj_layers=1,
        text_encoder_context_length=8,
        task_seq_len=8,
        max_seq_len=8,
        is_training=False,
    )
    OneFormerForUniversalSegmentation(config).save_pretrained(folder)
    OneFormerImageProcessorPil(size=_PICTURE, num_labels=5, num_text=4).save_pretrained(folder)
    # As in the real checkpoint: a class list that is a download of its own.
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    settings |= {"repo_path": "shi-labs/oneformer_demo", "class_info_file": "coco_panoptic.json"}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    write_letters(folder)
    return folder


def write_letters(folder: Path) -> None:
    """Write a tokenizer of single letters: the task is one fixed line to OneFormer."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*letters, *(f"{x}</w>" for x in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    end = "<|endoftext|>"
    named = {"bos_token": "<|startoftext|>", "eos_token": end, "unk_token": end, "pad_token": end}
    tokenizer = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **named}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))


def write_sam2(folder: Path, *, always_lost: bool = False) -> Path:
    """Write a SAM 2 video model for pictures of 128 x 128.

    Args:
        folder: Where to.
        always_lost: It says in every frame that the object is not there.
    """
    import torch
    from transformers import Sam2VideoConfig, Sam2VideoModel

    side, hidden = 128, 128
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 16,
        "num_attention_heads": 1,
        "image_size": [side, side],
        "window_positional_embedding_background_size": [4, 4],
        "blocks_per_stage": [1, 1, 1, 1],
        "embed_dim_per_stage": [16, 32, 64, 128],
        "num_attention_heads_per_stage": [1, 1, 2, 2],
        "window_size_per_stage": [4, 4, 4, 4],
        "global_attention_blocks": [],
    }
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": [128, 64, 32, 16],
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        "fpn_hidden_size": hidden,
        "image_size": side,
    }
    torch.manual_seed(2)
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": hidden, "image_size": side, "patch_size": 16},
        mask_decoder_config={
            "hidden_size": hidden,
            "mlp_dim": 32,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
        },
        image_size=side,
        memory_attention_hidden_size=hidden,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[8, 8],
        memory_encoder_hidden_size=hidden,
        memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=hidden,
        memory_fuser_num_layers=1,
        memory_fuser_embed_dim=hidden,
        memory_fuser_intermediate_dim=32,
    )
    model = Sam2VideoModel(config)
    head = model.mask_decoder.pred_obj_score_head.proj_out
    with torch.no_grad():
        head.bias.fill_(-20.0 if always_lost else 20.0)
    model.save_pretrained(folder)
    return folder


def write_qwen(folder: Path, answer: str = SENTENCE) -> Path:
    """Write a Qwen2.5-VL whose weights are random but for a chain of words.

    Every word of the answer makes the next one the most likely, from the line break after
    `assistant` on, so the model answers with the sentence, whatever it is shown.

    Args:
        folder: Where to.
        answer: Its words must all differ.
    """
    import torch
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    folder.mkdir(parents=True, exist_ok=True)
    special = {
        "endoftext_token": "<|endoftext|>",
        "im_start_token": "<|im_start|>",
        "im_end_token": "<|im_end|>",
        "vision_start_token": "<|vision_start|>",
        "vision_end_token": "<|vision_end|>",
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
    }
    tokenizer = Qwen2Tokenizer(
        vocab={letter: n for n, letter in enumerate(sorted(ByteLevel.alphabet()))},
        merges=[],
        unk_token=None,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        extra_special_tokens=special,
    )
    first, *rest = answer.split()
    words = [first, *(f" {word}" for word in rest)]
    assert len(set(words)) == len(words)
    tokenizer.add_tokens(words)
    number: Any = tokenizer.convert_tokens_to_ids
    count, hidden = len(tokenizer), 128
    torch.manual_seed(3)
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": count,
            "hidden_size": hidden,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [4, 6, 6],
                "rope_theta": 10000.0,
            },
            "bos_token_id": number("<|endoftext|>"),
            "eos_token_id": number("<|im_end|>"),
            "pad_token_id": number("<|endoftext|>"),
            "tie_word_embeddings": False,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "out_hidden_size": hidden,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )
    model = Qwen2_5_VLForConditionalGeneration(config)
    chain = [tokenizer("\n")["input_ids"][0], *number(words), number("<|im_end|>")]
    text = model.model.language_model
    with torch.no_grad():
        for layer in text.layers:
            layer.self_attn.o_proj.weight.mul_(0.05)
            layer.mlp.down_proj.weight.mul_(0.05)
        codes = torch.randn(count, hidden)
        text.embed_tokens.weight.copy_(codes)
        model.lm_head.weight.normal_(0, 0.01)
        for before, after in itertools.pairwise(chain):
            model.lm_head.weight[after] = codes[before] / hidden**0.5
    model.generation_config.eos_token_id = number("<|im_end|>")
    model.generation_config.pad_token_id = number("<|endoftext|>")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor = Qwen2VLImageProcessorPil(size={"shortest_edge": 3136, "longest_edge": 50176})
    processor.save_pretrained(folder)
    # The real processor also holds a video processor, which needs torchvision; this one is its
    # half for pictures, so that `transformers serve` can start without.
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    served = {"processor_class": "PaddleOCRVLProcessor", "image_processor": settings}
    (folder / "processor_config.json").write_text(json.dumps(served))
    (folder / "chat_template.jinja").write_text(_CHAT)
    return folder


_CHAT = """\
{% for message in messages %}<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}{% else %}\
{% for part in message['content'] %}{% if 'image' in part or part['type'] == 'image' %}\
<|vision_start|><|image_pad|><|vision_end|>{% elif 'text' in part %}{{ part['text'] }}{% endif %}\
{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

HUBCONF = '''
"""A tracker with the calling convention of CoTracker's predictor: it looks for patches."""

import torch
import torch.nn.functional as F


class ImageNetwork(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = torch.nn.Conv2d(3, 3, 1, bias=False)
        self.calls = 0

    def forward(self, images):
        self.calls += 1
        return self.mix(images)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fnet = ImageNetwork()
        self.drift = torch.nn.Parameter(torch.zeros(2))


class Predictor(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Network()

    def forward(self, video, queries=None, backward_tracking=False):
        assert video.shape[0] == 1 and video.shape[2] == 3 and not backward_tracking
        features = self.model.fnet(video[0])
        time, _, height, width = features.shape
        at = queries[0, :, 1:].clone()
        grid = torch.stack(torch.meshgrid(*[torch.arange(-4.0, 5.0)] * 2, indexing="xy"), -1)
        patch, near = 2 * grid.reshape(-1, 2), grid.reshape(-1, 2)

        def look(frame, places):
            scale = torch.tensor([width, height])
            normal = (places + 0.5) * 2 / scale - 1
            return F.grid_sample(features[frame][None], normal[None], align_corners=False)[0]

        wanted = look(0, at[:, None] + patch)
        tracks, seen = [at.clone()], [torch.ones(len(at), dtype=torch.bool)]
        for frame in range(1, time):
            around = at[:, None] + near
            found = look(frame, (around[:, :, None] + patch).reshape(len(at), -1, 2))
            found = found.reshape(3, len(at), len(near), len(patch))
            error = (found - wanted[:, :, None]).abs().mean(dim=(0, 3))
            best = error.argmin(dim=1)
            at = around[torch.arange(len(at)), best]
            tracks.append(at + self.model.drift)
            seen.append(error.gather(1, best[:, None])[:, 0] < 40)
        # Features that are no numbers give places that are none.
        return (torch.stack(tracks) + 0 * features.mean())[None], torch.stack(seen)[None]


def cotracker3_offline(*, pretrained=True, **kwargs):
    assert not pretrained, "the weights come from the registry"
    return Predictor()
'''


def write_cotracker(folder: Path, *, scale: float = 1.0, drift: float = 0.0) -> tuple[Path, Path]:
    """Write a repository for `torch.hub` and its weights; returns both paths.

    Args:
        folder: Where to.
        scale: Factor of the features; nan makes every place undefined.
        drift: Pixels by which every track goes astray, to the right.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hubconf.py").write_text(HUBCONF)
    weights = folder.with_suffix(".pth")
    mix = scale * torch.eye(3)[:, :, None, None]
    torch.save({"fnet.mix.weight": mix, "drift": torch.tensor([drift, 0.0])}, weights)
    return folder, weights


def write_craft(folder: Path, frame: Any = None) -> None:
    """Write the text detector of EasyOCR with random weights, under its published name.

    Args:
        folder: Where to.
        frame: uint8 [H, W, 3], sides multiples of 32: in a tenth of it are letters.
    """
    import torch

    from clipmill.models.image_scores.craft import Craft

    torch.manual_seed(0)
    network = Craft().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.xavier_uniform_(module.weight)
            torch.nn.init.zeros_(module.bias)
    last = network.conv_cls[8]
    seen = torch.rand(1, 3, 64, 96)
    if frame is not None:
        seen = torch.from_numpy(frame)[None].permute(0, 3, 1, 2) / 255
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        maps = network((seen - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)).flatten(0, 2)
        low, high = maps.quantile(torch.tensor([0.9, 0.98]), dim=0)
        spread = torch.tensor([0.3, 0.01]) / (high - low)
        last.weight *= spread.view(2, 1, 1, 1)
        last.bias.copy_(spread * (last.bias - low) + torch.tensor([0.4, 0.3]))
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save(state, folder / "craft_mlt_25k.pth")


def write_clip_iqa(folder: Path) -> None:
    """Write a tiny CLIP with learned prompts, as CLIP-IQA+ is published."""
    import torch
    from golden_weights import GOLDENS, fill

    shapes = json.loads((GOLDENS / "clip_iqa_reduced.manifest.json").read_text("utf-8"))
    state = {key: torch.from_numpy(np.asarray(fill(key, shape))) for key, shape in shapes.items()}
    write_archive(state | {"logit_scale": torch.tensor(3.0)}, folder / "RN50.pt")
    words = torch.from_numpy(fill("prompt_learner.ctx", (2, 16, 64)))
    torch.save(words, folder / "CLIP-IQA+_learned_prompts-603f3273.pth")


def write_archive(state: dict[str, Any], path: Path) -> None:
    """Write weights as the TorchScript archive that CLIP is published as: in half precision."""
    import torch

    root = torch.nn.Module()
    for key, value in state.items():
        *folders, name = key.split(".")
        module = root
        for folder in folders:
            if folder not in dict(module.named_children()):
                module.add_module(folder, torch.nn.Module())
            module = module.get_submodule(folder)
        module.register_buffer(name, value.half() if value.is_floating_point() else value)
    root.register_buffer("input_resolution", torch.tensor(224))
    torch.jit.script(root).save(str(path))


def write_nima(folder: Path) -> None:
    """Write NIMA with random weights, under its published name."""
    import torch

    from clipmill.models.image_scores.nima import NimaNetwork

    torch.manual_seed(0)
    state = {"params": NimaNetwork().state_dict()}
    torch.save(state, folder / "NIMA_InceptionV2_ava-b0c77c00.pth")
