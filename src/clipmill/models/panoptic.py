"""From the queries of a segmentation network to segments of a picture.

The panoptic inference of MaskFormer (Cheng et al., NeurIPS 2021), which Mask2Former and OneFormer
took over. It is written out here because the library's version gives every pixel to some segment,
however unsure the mask is there, and needs torchvision.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F


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


@dataclass(frozen=True)
class NetworkView:
    """A picture as the network got it, as (height, width) in pixels.

    Attributes:
        padded: With the padding on the right and below that made it fit.
        shown: Without.
    """

    padded: tuple[int, int]
    shown: tuple[int, int]


def merge_queries(
    classes: torch.Tensor,
    masks: torch.Tensor,
    *,
    size: tuple[int, int],
    labels: dict[int, str],
    rules: MergeRules,
    view: NetworkView | None = None,
) -> list[Segment]:
    """Turn the queries of one picture into segments that do not overlap.

    Args:
        classes: float32 [Q, K + 1] logits, the last class being `nothing`.
        masks: float32 [Q, h, w] logits, any resolution.
        size: (H, W) of the segments.
        labels: Class number -> name.
        rules: Thresholds and fused classes.
        view: How the network saw the picture, see `enlarged`.

    Returns:
        Segments in the order of the queries; empty when no query is sure enough.
    """
    scores, numbers = classes.softmax(dim=-1).max(dim=-1)
    nothing = classes.shape[-1] - 1
    sure = (numbers != nothing) & (scores > rules.score)
    if not sure.any():
        return []
    scores, numbers = scores[sure], numbers[sure]
    probability = enlarged(masks[sure], size=size, view=view).sigmoid()
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


def enlarged(
    masks: torch.Tensor, *, size: tuple[int, int], view: NetworkView | None
) -> torch.Tensor:
    """Scale mask logits to a picture, bilinearly.

    Args:
        masks: float32 [Q, h, w].
        size: (H, W) wanted.
        view: Scale as the authors of MaskFormer, Mask2Former and OneFormer do: to what the network
            got, cut off its padding, then to the picture. None: the masks cover just the picture,
            and are scaled once.

    Returns:
        float32 [Q, H, W].
    """
    if view is not None:
        height, width = view.shown
        masks = _scaled(masks, view.padded)[..., :height, :width]
    return _scaled(masks, size)


def _scaled(masks: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(masks[None], size=size, mode="bilinear", align_corners=False)[0]
