"""Checkpoints of `transformers`, loaded so that nothing is left out in silence."""

import pickle
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import torch
from safetensors import SafetensorError
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
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        # The library's texts tell 401, 404, an unreachable hub and a broken file apart.
        raise UsageError(
            f"the checkpoint '{location}' cannot be loaded: {error}. Check its name and the "
            "network, or place its files in a folder and name that in `weights`"
        ) from error
    except pickle.UnpicklingError as error:
        # The library's text advises to run what the file says.
        raise UsageError(
            f"the checkpoint '{location}' cannot be loaded: it is damaged, or holds more than "
            "tensors and plain data; pickled files are read without running code"
        ) from error


def load_model(
    kind: Any,
    location: str,
    *,
    revision: str | None,
    device: torch.device,
    optional: Iterable[str] = (),
    leftover: Iterable[str] = (),
    **options: Any,
) -> Any:
    """Load a network for inference, strictly.

    The library alone would fill what a file lacks with random numbers, and leave out what it does
    not know. Only the buffers that the library itself names as moved (`rotary_emb.inv_freq`, index
    tables of Swin) never count as too many.

    Args:
        kind: Model class.
        location: Folder or hub name.
        revision: Of the hub repository.
        device: Where it goes.
        optional: Keys (may hold `*`) that a file may lack, because only training uses them.
        leftover: Keys (may hold `*`) that a file may have too many: name only those that files in
            use are known to hold and that no answer depends on.
        options: Further arguments of `from_pretrained`.

    Raises:
        UsageError: Not there, unreadable, or with missing, unexpected or misshapen keys, which it
            names. Also when the GPU has less memory free than the weights and some room take.
    """
    options |= {"output_loading_info": True, "ignore_mismatched_sizes": True}
    model, report = load_part(kind, location, revision=revision, **options)
    problems = [
        _listed("missing", _others(report["missing_keys"], optional)),
        _listed("unexpected", _others(report["unexpected_keys"], leftover)),
        _listed("misshapen", [_shapes_of(entry) for entry in report["mismatched_keys"]]),
    ]
    if any(problems):
        raise UsageError(
            f"the checkpoint '{location}' does not fit {type(model).__name__}: "
            f"{'; '.join(problem for problem in problems if problem)}"
        )
    size = sum(value.nbytes for value in model.state_dict().values())
    check_memory(device, needed_bytes=int(size * _ROOM), what=f"the model '{location}'")
    return model.to(device).eval()


def _others(keys: Iterable[str], allowed: Iterable[str]) -> list[str]:
    patterns = tuple(allowed)
    return [key for key in keys if not any(fnmatchcase(key, pattern) for pattern in patterns)]


def _shapes_of(entry: tuple[str, Iterable[int], Iterable[int]]) -> str:
    key, found, wanted = entry
    return f"{key} {list(found)} instead of {list(wanted)}"


def _listed(what: str, keys: Iterable[str]) -> str:
    names = sorted(keys)
    if not names:
        return ""
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return f"{what} keys {', '.join(names[:_MAX_NAMED])}{more}"
