"""Model weights: what they are, where they come from, and their strict loading.

The registry names every model that a backend runs with source, pinned revision, checksum
and licence; `find_weights` returns a verified local path; `load_state_dict` fills a network.
"""

from clipmill.disk.digest import Digest
from clipmill.weights.errors import MissingWeightsError, WeightsError
from clipmill.weights.load import load_state_dict
from clipmill.weights.registry import REGISTRY, find_spec
from clipmill.weights.spec import WeightFile, WeightSpec
from clipmill.weights.verify import find_weights, weights_identity

__all__ = [
    "REGISTRY",
    "Digest",
    "MissingWeightsError",
    "WeightFile",
    "WeightSpec",
    "WeightsError",
    "find_spec",
    "find_weights",
    "load_state_dict",
    "weights_identity",
]
