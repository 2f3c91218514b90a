"""The real weights of IS-Net, fetched once into the user's cache by the project's own pull."""

import os
from pathlib import Path

import pytest

from clipmill.weights import find_spec
from clipmill.weights.cache import open_cache
from clipmill.weights.errors import PULL_ERRORS
from clipmill.weights.fetch import pull

WITHOUT = "CLIPMILL_TESTS_WITHOUT_WEIGHTS"


def isnet_weights() -> Path:
    """Return the ONNX file; processes that ask at once download it once.

    A machine that reaches no source fails the tests that need it, unless its environment says
    that they are to be skipped.
    """
    try:
        return pull(find_spec("isnet"), open_cache())
    except PULL_ERRORS as error:
        if os.environ.get(WITHOUT):
            pytest.skip(f"{WITHOUT} is set, and {error}")
        pytest.fail(f"{error}. Set {WITHOUT}=1 to skip the tests that need it")
