"""Universal image segmentation: any query-based checkpoint of `transformers`.

OneFormer (Jain et al., CVPR 2023), Mask2Former (Cheng et al., CVPR 2022), MaskFormer and DETR's
panoptic head all answer with a class and a mask per query. Turning these into segments is the
panoptic inference of MaskFormer (Cheng et al., NeurIPS 2021). It is written out here because the
library's version gives every pixel to some segment, however unsure the mask is there, and needs
torchvision.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from transformers import AutoImageProcessor, AutoModelForUniversalSegmentation, AutoTokenizer

from clipmill.models.device import autocast, inference
from clipmill.models.pretrained import load_model, load_part

_LOSS = "criterion.*"
_INDEX_TABLES = "*.relative_position_index"
_OPTIONAL = (_LOSS, _INDEX_TABLES)
"""What a checkpoint may lack: class weights of the loss, and tables that are computed anew."""

_LEFTOVER = (
    _LOSS,  # written by some versions of the library, not known to others
    _INDEX_TABLES,  # was stored before the library computed it
    "model.text_mapper.*",  # OneFormer's text encoder: fine-tuned checkpoints, for the loss only
    "*.num_batches_tracked",  # counter of batch normalisation, which frozen norms (DETR) lack
)
"""What a checkpoint may have too many; no answer depends on these."""

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Segment:
    """One segment of a picture.

    Attributes:
        label: Class name as the checkpoint gives it.
        score: Probability of the class, [0, 1].
        mask: bool [H, W] at the picture's size.
    """

    label: str
    score: float
    mask: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MergeRules:
    """Settings of the panoptic inference.

    Attributes:
        score: A query counts when the probability of its class is greater.
        overlap: A segment that keeps less than this share of its own mask is dropped.
        fused: Class names of which a picture has one segment at most.
    """

    score: float
    overlap: float
    fused: Collection[str] = ()


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
        feed = {"pixel_values": inputs["pixel_values"].to(self.device)}
        if "pixel_mask" in inputs:
            feed["pixel_mask"] = inputs["pixel_mask"].to(self.device)
        if self._task is not None:
            feed["task_inputs"] = self._task.expand(len(pictures), -1)
        with inference(), autocast(self.device):
            output = self.model(**feed)
        classes, masks = _queries(output)
        size = pictures[0].shape[:2]
        return [
            merge_queries(classes[n], masks[n], size=size, labels=self.labels, rules=rules)
            for n in range(len(pictures))
        ]


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


def merge_queries(
    classes: torch.Tensor,
    masks: torch.Tensor,
    *,
    size: tuple[int, int],
    labels: dict[int, str],
    rules: MergeRules,
) -> list[Segment]:
    """Turn the queries of one picture into segments that do not overlap.

    Args:
        classes: float32 [Q, K + 1] logits, the last class being `nothing`.
        masks: float32 [Q, h, w] logits, any resolution.
        size: (H, W) of the segments.
        labels: Class number -> name.
        rules: Thresholds and fused classes.

    Returns:
        Segments in the order of the queries; empty when no query is sure enough.
    """
    scores, numbers = classes.softmax(dim=-1).max(dim=-1)
    nothing = classes.shape[-1] - 1
    sure = (numbers != nothing) & (scores > rules.score)
    if not sure.any():
        return []
    scores, numbers = scores[sure], numbers[sure]
    shape = F.interpolate(masks[sure][None], size=size, mode="bilinear", align_corners=False)[0]
    probability = shape.sigmoid()
    owner = (probability * scores[:, None, None]).argmax(dim=0)
    found: list[Segment] = []
    fused: dict[str, int] = {}
    for query, (score, number) in enumerate(zip(scores.tolist(), numbers.tolist(), strict=True)):
        own, whole = owner == query, probability[query] >= 0.5
        mask = own & whole
        if not mask.any() or float(own.sum() / whole.sum()) < rules.overlap:
            continue
        label = labels.get(number, str(number))
        segment = Segment(label, float(score), mask.cpu().numpy())
        if label in fused:
            before = found[fused[label]]
            best = max(before.score, segment.score)
            found[fused[label]] = Segment(label, best, before.mask | segment.mask)
            continue
        if label in rules.fused:
            fused[label] = len(found)
        found.append(segment)
    return found
