"""Whether the environment switches the network off."""

import os

OFFLINE_VARIABLES = ("CLIPMILL_OFFLINE", "HF_HUB_OFFLINE")

_TRUE = {"1", "true", "yes", "on"}


def offline() -> str | None:
    """Return the environment variable that switches the network off, None if none does."""
    for name in OFFLINE_VARIABLES:
        if os.environ.get(name, "").strip().lower() in _TRUE:
            return name
    return None
