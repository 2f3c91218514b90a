"""Random checkpoints of the networks that `transformers` defines, in the layout of the hub.

Sizes are those of the published checkpoints: shi-labs/oneformer_coco_swin_large,
facebook/sam2.1-hiera-large and Qwen/Qwen2.5-VL-7B-Instruct.
"""

from pathlib import Path
from typing import Any

import torch
from tiny_models import write_letters

from clipmill.annotations.objects.transformers import MOVABLE

_LABELS = (*MOVABLE, *(f"thing {number}" for number in range(133 - len(MOVABLE))))
_SWIN = {
    **{"embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48]},
    **{"window_size": 12, "image_size": 384},
}
_TINY_SWIN = {
    **{"embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 2, 4]},
    **{"window_size": 4, "image_size": 64},
}
_ONEFORMER = {"num_queries": 150, "decoder_layers": 10, "text_encoder_num_layers": 6}
_TINY_ONEFORMER = {
    **{"num_queries": 12, "hidden_dim": 32, "conv_dim": 32, "mask_dim": 32, "decoder_layers": 3},
    **{"encoder_layers": 1, "encoder_feedforward_dim": 32, "dim_feedforward": 32},
    **{"num_attention_heads": 2, "text_encoder_width": 32, "text_encoder_num_layers": 1},
    **{"text_encoder_vocab_size": 64},
}

_SAM2_BACKBONE = {
    **{"hidden_size": 144, "num_attention_heads": 2, "image_size": [1024, 1024]},
    **{"blocks_per_stage": [2, 6, 36, 4], "embed_dim_per_stage": [144, 288, 576, 1152]},
    **{"num_attention_heads_per_stage": [2, 4, 8, 16], "window_size_per_stage": [8, 4, 16, 8]},
    **{"window_positional_embedding_background_size": [7, 7]},
    **{"global_attention_blocks": [23, 33, 43]},
}
_SAM2_VISION = {"backbone_channel_list": [1152, 576, 288, 144]}
_TINY_SAM2_BACKBONE = {
    **{"hidden_size": 16, "num_attention_heads": 1, "image_size": [128, 128]},
    **{"blocks_per_stage": [1, 1, 1, 1], "embed_dim_per_stage": [16, 32, 64, 128]},
    **{"num_attention_heads_per_stage": [1, 1, 2, 2], "window_size_per_stage": [4, 4, 4, 4]},
    **{"window_positional_embedding_background_size": [4, 4], "global_attention_blocks": []},
}
_TINY_SAM2_VISION = {
    "backbone_channel_list": [128, 64, 32, 16],
    "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
    "image_size": 128,
}
_TINY_SAM2 = {
    **{"image_size": 128, "memory_attention_num_layers": 1},
    **{"memory_attention_rope_feat_sizes": [8, 8], "memory_fuser_num_layers": 1},
}


def write_oneformer(folder: Path, device: torch.device, *, tiny: bool) -> dict[str, Any]:
    """Write OneFormer with a Swin backbone, its picture processor and a tokenizer."""
    from transformers import OneFormerConfig, OneFormerForUniversalSegmentation
    from transformers.models.oneformer.image_processing_pil_oneformer import (
        OneFormerImageProcessorPil,
    )

    swin = {"model_type": "swin", "out_features": [f"stage{n}" for n in range(1, 5)]}
    length = 8 if tiny else 77
    config = OneFormerConfig(
        backbone_config=swin | (_TINY_SWIN if tiny else _SWIN),
        id2label=dict(enumerate(_LABELS)),
        label2id={name: number for number, name in enumerate(_LABELS)},
        is_training=False,
        task_seq_len=length,
        max_seq_len=length,
        **(_TINY_ONEFORMER if tiny else _ONEFORMER),
    )
    OneFormerForUniversalSegmentation(config).save_pretrained(folder)
    size = {"shortest_edge": 96, "longest_edge": 192} if tiny else None
    OneFormerImageProcessorPil(
        **({"size": size} if size else {}), num_labels=len(_LABELS), num_text=134
    ).save_pretrained(folder)
    write_letters(folder)
    return {"weights": str(folder)}


def write_sam2(folder: Path, device: torch.device, *, tiny: bool) -> dict[str, Any]:
    """Write SAM 2.1 for videos; its object score says that the object is always there."""
    from transformers import Sam2VideoConfig, Sam2VideoModel

    backbone = _TINY_SAM2_BACKBONE if tiny else _SAM2_BACKBONE
    config = Sam2VideoConfig(
        vision_config={
            "model_type": "sam2_vision_model",
            "backbone_config": {"model_type": "sam2_hiera_det_model"} | backbone,
            **(_TINY_SAM2_VISION if tiny else _SAM2_VISION),
        },
        prompt_encoder_config={"image_size": 128} if tiny else {},
        # The published 2.1 checkpoints tell time apart in their object pointers.
        enable_temporal_pos_encoding_for_object_pointers=True,
        enable_occlusion_spatial_embedding=True,
        **(_TINY_SAM2 if tiny else {}),
    )
    network = Sam2VideoModel(config)
    with torch.no_grad():
        network.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(20.0)
    network.save_pretrained(folder)
    return {"weights": str(folder)}
