"""Backend `oneformer`: OneFormer with a Swin-L backbone on COCO (Jain et al., CVPR 2023).

The published pipeline's rules: the frame at width 512, classes that can move, segments of 3.3 % to
40 % of the frame, K-means query points. The network gets RGB, the order it was trained with.
"""

from typing import ClassVar

from pydantic import Field

from clipmill.annotations.base import BackendConfig, Needs
from clipmill.annotations.objects.transformers import (
    TransformersObjects,
    TransformersObjectsConfig,
)


class OneFormerObjectsConfig(TransformersObjectsConfig):
    """Settings; the published pipeline's by default."""

    model: str = Field("shi-labs/oneformer_coco_swin_large", description="Hub name or folder.")
    score: float = Field(0.8, ge=0, le=1, description="Queries count above this probability.")


class OneFormerObjects(TransformersObjects):
    """OneFormer's panoptic segments of movable classes."""

    name: ClassVar[str] = "oneformer"
    version: ClassVar[int] = 2
    Config: ClassVar[type[BackendConfig]] = OneFormerObjectsConfig
    needs: ClassVar[Needs] = Needs(
        modules=("torch", "transformers"),
        extra="frameino",
        gpu=True,
        weights=("oneformer",),
        licence="MIT (OneFormer weights), Apache-2.0 (transformers)",
        gpu_memory=4.0,  # 0.9 of weights; a picture at full attention is estimated
    )
