"""Universal image segmentation: any query-based checkpoint of `transformers`.

OneFormer (Jain et al., CVPR 2023), Mask2Former (Cheng et al., CVPR 2022), MaskFormer and DETR's
panoptic head all answer with a class and a mask per query; see `panoptic` for what becomes of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from transformers import AutoImageProcessor, AutoModelForUniversalSegmentation, AutoTokenizer

from clipmill.models.device import autocast, inference
from clipmill.models.panoptic import MergeRules, NetworkView, Segment, merge_queries
from clipmill.models.pretrained import load_model, load_part

_LOSS = "criterion.*"
_INDEX_TABLES = "*.relative_position_index"
_LAST_NORM = "*.swin.layernorm.*"
_OPTIONAL = (_LOSS, _INDEX_TABLES, _LAST_NORM)
"""What a checkpoint may lack: class weights of the loss, tables that are computed anew, and the
norm after Swin's last stage, which files from before transformers 5 have not: no segmenter reads
its output."""

_DIVISOR = 32
_DIVIDED = ("oneformer", "mask2former", "maskformer")
"""Networks whose authors pad pictures with zeros, after normalisation, to multiples of `_DIVISOR`
(`SIZE_DIVISIBILITY` in their configurations). The library leaves it out."""

_LEFTOVER = (
    _LOSS,  # written by some versions of the library, not known to others
    _INDEX_TABLES,  # was stored before the library computed it
    "model.text_mapper.*",  # OneFormer's text encoder: fine-tuned checkpoints, for the loss only
    "*.num_batches_tracked",  # counter of batch normalisation, which frozen norms (DETR) lack
)
"""What a checkpoint may have too many; no answer depends on these."""

Picture = npt.NDArray[np.uint8]


class Segmenter:
    """A checkpoint with its processor, on a device.

    Args:
        location: Folder or hub name.
        revision: Of the hub repository.
        device: Where it runs.
    """

    def __init__(self, location: str, *, revision: str | None, device: torch.device) -> None:
        # One backend whatever else is installed, so that results do not depend on torchvision.
        # OneFormer's class list is a further download, and only training uses it.
        self.processor = load_part(
            AutoImageProcessor, location, revision=revision, backend="pil", class_info_file=None
        )
        keep_longest_edge(self.processor)
        self.model = load_model(
            AutoModelForUniversalSegmentation,
            location,
            revision=revision,
            device=device,
            optional=_OPTIONAL,
            leftover=_LEFTOVER,
        )
        self.device = device
        config: Any = self.model.config
        self.labels: dict[int, str] = {int(k): str(v) for k, v in config.id2label.items()}
        self._divisor = _DIVISOR if config.model_type in _DIVIDED else 1
        self._task = None
        if config.model_type == "oneformer":
            tokenizer = load_part(AutoTokenizer, location, revision=revision)
            self._task = _task_tokens(tokenizer, config.task_seq_len).to(device)

    def segment(self, pictures: Sequence[Picture], rules: MergeRules) -> list[list[Segment]]:
        """Segment pictures of one size.

        Args:
            pictures: uint8 [H, W, 3] each, RGB.
            rules: How queries become segments.

        Returns:
            Segments of each picture, in the order of the queries.
        """
        inputs = self.processor(images=list(pictures), return_tensors="pt")
        shown = inputs["pixel_values"]
        pixels = self._padded(shown)
        feed = {"pixel_values": pixels.to(self.device)}
        if "pixel_mask" in inputs:
            feed["pixel_mask"] = self._padded(inputs["pixel_mask"]).to(self.device)
        if self._task is not None:
            feed["task_inputs"] = self._task.expand(len(pictures), -1)
        with inference(), autocast(self.device):
            output = self.model(**feed)
        classes, masks = _queries(output)
        height, width = pictures[0].shape[:2]
        view = None
        if self._divisor > 1:
            view = NetworkView(padded=_size(pixels), shown=_size(shown))
        return [
            merge_queries(
                classes[n],
                masks[n],
                size=(height, width),
                labels=self.labels,
                rules=rules,
                view=view,
            )
            for n in range(len(pictures))
        ]

    def _padded(self, values: torch.Tensor) -> torch.Tensor:
        """Fill [..., H, W] up with zeros, on the right and below, to multiples of the divisor."""
        height, width = _size(values)
        return F.pad(values, (0, -width % self._divisor, 0, -height % self._divisor))


def keep_longest_edge(processor: Any) -> None:
    """Let an image processor obey the cap of an old settings file.

    Files from before `size` was a mapping say `"size": 800, "max_size": 1333`, or `_max_size`. The
    library keeps the second number as an attribute of some processors, OneFormer's among them,
    and then scales without it: a picture of 16:9 gets 1422 pixels wide instead of 1333.

    Args:
        processor: As loaded; its `size` is changed.
    """
    most = getattr(processor, "max_size", None) or getattr(processor, "_max_size", None)
    if most and processor.size.shortest_edge and not processor.size.longest_edge:
        processor.size = replace(processor.size, longest_edge=int(most))


def _size(values: torch.Tensor) -> tuple[int, int]:
    return values.shape[-2], values.shape[-1]


def _task_tokens(tokenizer: Any, length: int) -> torch.Tensor:
    """Return OneFormer's task prompt as ids, int64 [1, length], 0 where padded."""
    tokens = tokenizer(
        ["the task is panoptic"],
        padding="max_length",
        max_length=length,
        truncation=True,
        return_tensors="pt",
    )
    return tokens["input_ids"] * tokens["attention_mask"]


def _queries(output: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return class logits [B, Q, K + 1] and mask logits [B, Q, h, w], float32."""
    if "class_queries_logits" in output:
        return output.class_queries_logits.float(), output.masks_queries_logits.float()
    return output.logits.float(), output.pred_masks.float()
