"""clipmill: raw video collections in, training-ready clips out.

`clipmill.open(workspace)` looks at a run; `clipmill.training` feeds a trainer. Importing this
package loads nothing else; docs/api.md lists the public names.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clipmill import errors
    from clipmill import training as training  # not in __all__: it needs torch
    from clipmill.results import Results, Sample, SampleView

__version__ = "0.1.0"

__all__ = ["Results", "Sample", "SampleView", "__version__", "errors", "open"]

# ONNX Runtime reports its use to its makers unless told otherwise before it is loaded, and keeps a
# database of reports in the user's cache; what is computed here stays on this machine.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_MODULES = ("errors", "training")
_CLASSES = ("Results", "Sample", "SampleView")


def open(workspace: str | os.PathLike[str]) -> "Results":
    """Open a workspace to look at its last run: its clips, their scores, its samples.

    Nothing is computed or written, and neither models nor weights have to be installed. A run that
    goes on meanwhile is not seen: open the workspace again for its new rows.

    Args:
        workspace: Folder, or fsspec URL such as `s3://bucket/folder`.

    Raises:
        UsageError: There is no workspace, or nothing was run in it.
        CorruptFileError: A file that says what the run was is damaged, and so is its copy.
    """
    from clipmill.results import open_results

    return open_results(workspace)


def __getattr__(name: str) -> Any:
    """Load a public name when it is asked for.

    Raises:
        AttributeError: There is none of that name.
        MissingExtraError: It is `training`, and torch is not installed.
    """
    if name in _MODULES:
        return import_module(f"clipmill.{name}")
    if name in _CLASSES:
        return getattr(import_module("clipmill.results"), name)
    raise AttributeError(f"module 'clipmill' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
