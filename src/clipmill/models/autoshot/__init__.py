"""AutoShot (Zhu et al., CVPR Workshops 2023): shot boundaries by a searched TransNet V2."""

from clipmill.models.autoshot.fused import FusedAutoShot
from clipmill.models.autoshot.network import HEIGHT, UNUSED, WIDTH, WINDOW, AutoShot

__all__ = ["HEIGHT", "UNUSED", "WIDTH", "WINDOW", "AutoShot", "FusedAutoShot"]
