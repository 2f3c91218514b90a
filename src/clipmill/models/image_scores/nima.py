"""NIMA (Talebi and Milanfar, "Neural Image Assessment", TIP 2018) on Inception-ResNet-v2.

Own definition under the names of the checkpoint that the library `pyiqa` publishes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.image_scores.inception_resnet import InceptionResNet

_SIDE = 299
_GRADES = 10


class NimaNetwork(nn.Module):
    """Pictures in, the mean of the grades that people would give out."""

    grades: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.base_model = InceptionResNet()
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.0), nn.Linear(1536, _GRADES), nn.Softmax(dim=-1)
        )
        grades = torch.arange(1, _GRADES + 1, dtype=torch.float32)
        self.register_buffer("grades", grades, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map RGB pictures in [0, 1], float32 [B, 3, H, W], to [B], in [1, 10]."""
        features = self.base_model(middle_of(pictures) * 2 - 1)
        shares = self.classifier(functional.adaptive_avg_pool2d(features, 1))
        mean: Tensor = (shares * self.grades.to(shares.dtype)).sum(dim=-1)
        return mean


def middle_of(pictures: Tensor) -> Tensor:
    """Return the middle square [B, 3, 299, 299], the shorter side scaled to it, antialiased."""
    height, width = pictures.shape[-2:]
    short, long = min(height, width), max(height, width)
    other = _SIDE * long // short
    size = (_SIDE, other) if height <= width else (other, _SIDE)
    scaled = functional.interpolate(
        pictures, size=size, mode="bilinear", align_corners=False, antialias=True
    )
    top, left = round((size[0] - _SIDE) / 2), round((size[1] - _SIDE) / 2)
    return scaled[..., top : top + _SIDE, left : left + _SIDE]
