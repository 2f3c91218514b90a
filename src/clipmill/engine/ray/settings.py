"""What workers on other machines take from the environment of the command."""

import os
from collections.abc import Mapping

_PREFIXES = ("CLIPMILL_", "HF_", "AWS_", "GOOGLE_", "AZURE_", "FSSPEC_", "OPENAI_", "TORCH_HOME")
"""Where weights and data lie, and the keys to them."""


def passed_on(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that workers need as well."""
    return {name: value for name, value in environment.items() if name.startswith(_PREFIXES)}
