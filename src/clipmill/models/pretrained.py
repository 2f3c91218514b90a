"""Checkpoints of `transformers`, loaded so that nothing is left out in silence."""

import warnings
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import torch
from transformers import logging

from clipmill.errors import UsageError
from clipmill.models.device import check_memory

_MAX_NAMED = 8
_ROOM = 1.1
"""Memory for the smallest batch, as a factor of the weights' size."""


def load_part(kind: Any, location: str, *, revision: str | None, **options: Any) -> Any:
    """Load a configuration, a tokenizer or an image processor.

    Args:
        kind: Class with `from_pretrained`.
        location: Folder or hub name.
        revision: Of the hub repository.
        options: Further arguments of `from_pretrained`.

    Raises:
        UsageError: It is not there or cannot be read; says what to do.
    """
    logging.disable_progress_bar()
    try:
        return kind.from_pretrained(location, revision=revision or "main", **options)
    except (OSError, ValueError, KeyError) as error:
        # The library's texts tell 401, 404, an unreachable hub and a broken file apart.
        raise UsageError(
            f"the checkpoint '{location}' cannot be loaded: {error}. Check its name and the "
            "network, or place its files in a folder and name that in `weights`"
        ) from error


def load_model(
    kind: Any,
    location: str,
    *,
    revision: str | None,
    device: torch.device,
    optional: Iterable[str] = (),
    **options: Any,
) -> Any:
    """Load a network for inference, strictly.

    The library alone would fill what a file lacks with random numbers.

    Args:
        kind: Model class.
        location: Folder or hub name.
        revision: Of the hub repository.
        device: Where it goes.
        optional: Keys (may hold `*`) that a file may lack, because only training uses them.
        options: Further arguments of `from_pretrained`.

    Raises:
        UsageError: Not there, unreadable, or with missing or misshapen keys, which it names.
            Superfluous keys are only warned about: files on the hub often hold training heads.
            Also when the GPU has less memory free than the weights and some room take.
    """
    options |= {"output_loading_info": True, "ignore_mismatched_sizes": True}
    model, report = load_part(kind, location, revision=revision, **options)
    patterns = tuple(optional)
    missing = [
        key for key in report["missing_keys"] if not any(fnmatchcase(key, p) for p in patterns)
    ]
    misshapen = [_name_of(entry) for entry in report["mismatched_keys"]]
    problems = [_listed("missing", missing), _listed("misshapen", misshapen)]
    if any(problems):
        raise UsageError(
            f"the checkpoint '{location}' does not fit {kind.__name__}: "
            f"{'; '.join(problem for problem in problems if problem)}"
        )
    if superfluous := _listed("unexpected", report["unexpected_keys"]):
        warnings.warn(f"the checkpoint '{location}' has {superfluous}; not used", stacklevel=2)
    size = sum(value.nbytes for value in model.state_dict().values())
    check_memory(device, needed_bytes=int(size * _ROOM), what=f"the model '{location}'")
    return model.to(device).eval()


def _name_of(entry: Any) -> str:
    return str(entry if isinstance(entry, str) else entry[0])


def _listed(what: str, keys: Iterable[str]) -> str:
    names = sorted(keys)
    if not names:
        return ""
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f"{what} keys {', '.join(names[:_MAX_NAMED])}{more}"
