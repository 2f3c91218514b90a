"""Torch datasets over a workspace or an export: motion control, and Frame-In / Frame-Out.

Importing this package needs torch; see docs/training.md.
"""

from importlib.util import find_spec

from clipmill.errors import MissingExtraError

if find_spec("torch") is None:
    raise MissingExtraError("clipmill.training", "models", "torch")

from clipmill.canvas.draw import DotStyle, object_colours
from clipmill.training.batches import BucketBatches
from clipmill.training.buckets import Buckets
from clipmill.training.datasets import InOutDataset, MotionDataset
from clipmill.training.items import InOutSample, MotionSample, SampleMeta, collate
from clipmill.training.options import LoadOptions
from clipmill.training.order import SampleStream, ShardOrder

__all__ = [
    "BucketBatches",
    "Buckets",
    "DotStyle",
    "InOutDataset",
    "InOutSample",
    "LoadOptions",
    "MotionDataset",
    "MotionSample",
    "SampleMeta",
    "SampleStream",
    "ShardOrder",
    "collate",
    "object_colours",
]
