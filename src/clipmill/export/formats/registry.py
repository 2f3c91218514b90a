"""All formats by name."""

from importlib import import_module
from typing import Any

from clipmill.errors import UsageError
from clipmill.export.formats.base import Format

_FORMATS = {
    "canonical": "clipmill.export.formats.canonical:Canonical",
    "frameino": "clipmill.export.formats.frameino.cut_videos:FrameIno",
    "plain": "clipmill.export.formats.plain:Plain",
    "control": "clipmill.export.formats.control:Control",
    "re10k": "clipmill.export.formats.re10k:Re10k",
    "diffsynth": "clipmill.export.formats.diffsynth:DiffSynth",
    "videox-fun": "clipmill.export.formats.videox_fun:VideoXFun",
}

FORMATS = tuple(_FORMATS)
"""Names of all formats."""


def find_format(name: str) -> type[Format[Any]]:
    """Return the class of a format.

    Raises:
        UsageError: Names those there are.
    """
    if name not in _FORMATS:
        raise UsageError(f"no export format '{name}'; there are: {', '.join(FORMATS)}")
    module, _, attribute = _FORMATS[name].partition(":")
    found: type[Format[Any]] = getattr(import_module(module), attribute)
    return found
