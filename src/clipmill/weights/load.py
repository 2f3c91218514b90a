"""Strict loading of checkpoints: every key fits, or an error names those that do not."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipmill.weights.errors import MissingWeightsError, StateDictError, WeightsError

if TYPE_CHECKING:
    import torch

MAX_NAMED = 8
"""Keys named in a message; the rest is counted."""


def load_state_dict(
    model: "torch.nn.Module",
    path: str | Path,
    *,
    unused: frozenset[str] = frozenset(),
    prefix: str = "",
    container_key: str | None = None,
) -> None:
    """Fill a network from a checkpoint, strictly.

    Nothing is changed unless everything fits. Pickled checkpoints are read with
    `weights_only=True`: a file that wants to run code is refused.

    Args:
        model: The network.
        path: A `.safetensors` file, a pickled checkpoint, or a folder with
            `model.safetensors` or `pytorch_model.bin`, whole or in shards.
        unused: Keys (may hold `*`) that the file may lack or have too many.
        prefix: Front part of every key in the file that the network's keys do not have, e.g.
            `module.`; keys without it count as unexpected.
        container_key: Where a pickled checkpoint keeps its tensors, e.g. `net`; taken if there.

    Raises:
        MissingWeightsError: No such file.
        WeightsError: The file cannot be read, or holds more than tensors and plain data.
        StateDictError: Missing, unexpected or misshapen keys.
    """
    tensors = _read(Path(path), container_key)
    if prefix:
        tensors = {_without(prefix, key): value for key, value in tensors.items()}
    fill_network(model, tensors, Path(path), unused=unused)


def fill_network(
    model: "torch.nn.Module",
    tensors: "Mapping[str, torch.Tensor]",
    path: Path,
    *,
    unused: frozenset[str] = frozenset(),
) -> None:
    """Fill a network with tensors that were read from a file, strictly.

    Args:
        model: The network.
        tensors: By name.
        path: Where they are from, for messages.
        unused: Keys (may hold `*`) that may be missing or too many.

    Raises:
        StateDictError: Missing, unexpected or misshapen keys; nothing was changed.
    """
    import torch

    wanted = model.state_dict()
    _compare(path, wanted, tensors, unused)
    with torch.no_grad():
        for key, target in wanted.items():
            if key in tensors:
                target.copy_(tensors[key])


def _without(prefix: str, key: str) -> str:
    """Take the prefix off; a key that lacks it gets a name that no network has."""
    return key.removeprefix(prefix) if key.startswith(prefix) else f"{key} (without '{prefix}')"


def _compare(
    path: Path, wanted: Mapping[str, Any], found: Mapping[str, Any], unused: frozenset[str]
) -> None:
    def listed(keys: Iterable[str]) -> list[str]:
        return [k for k in keys if not any(fnmatchcase(k, pattern) for pattern in unused)]

    problems = [
        _name("missing", listed(wanted.keys() - found.keys())),
        _name("unexpected", listed(found.keys() - wanted.keys())),
        _name(
            "misshapen",
            [
                f"{key} {list(found[key].shape)} instead of {list(wanted[key].shape)}"
                for key in wanted.keys() & found.keys()
                if tuple(found[key].shape) != tuple(wanted[key].shape)
            ],
        ),
    ]
    texts = [problem for problem in problems if problem]
    if texts:
        raise StateDictError(f"{path} does not fit the network: {'; '.join(texts)}")


def _name(what: str, keys: list[str]) -> str:
    if not keys:
        return ""
    shown = ", ".join(sorted(keys)[:MAX_NAMED])
    more = f" and {len(keys) - MAX_NAMED} more" if len(keys) > MAX_NAMED else ""
    return f"{len(keys)} {what}: {shown}{more}"


def _read(path: Path, container_key: str | None) -> dict[str, Any]:
    if path.is_dir():
        merged: dict[str, Any] = {}
        for file in _shards(path):
            merged |= _read(file, container_key)
        return merged
    if not path.is_file():
        raise MissingWeightsError(f"there is no checkpoint {path}")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return _tensors_of(path, _read_pickle(path), container_key)


def _shards(folder: Path) -> list[Path]:
    """Return the weight files of a folder in the layout of the hub."""
    import json

    for whole in ("model.safetensors", "pytorch_model.bin"):
        if (folder / whole).is_file():
            return [folder / whole]
        index = folder / f"{whole}.index.json"
        if index.is_file():
            names = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
            return [folder / name for name in sorted(names)]
    raise MissingWeightsError(f"there is no model.safetensors and no pytorch_model.bin in {folder}")


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))  # memory-mapped
    except (SafetensorError, ValueError) as error:
        raise WeightsError(f"{path} is no readable safetensors file: {error}") from error


def _read_pickle(path: Path) -> Any:
    import pickle
    import zipfile

    import torch

    try:
        # Only the zip format can be mapped into memory; older files are read whole.
        mapped = zipfile.is_zipfile(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        first = str(error).splitlines()[0]
        raise WeightsError(
            f"{path} holds more than tensors and plain data, or is damaged; pickled checkpoints "
            f"are read without running code (weights_only=True): {first}"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise WeightsError(f"{path} is no readable checkpoint: {error}") from error


def _tensors_of(path: Path, content: Any, container_key: str | None) -> dict[str, Any]:
    import torch

    if container_key and isinstance(content, Mapping) and container_key in content:
        content = content[container_key]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds no tensors by name but a {type(content).__name__}")
    others = sorted(str(key) for key, v in content.items() if not isinstance(v, torch.Tensor))
    if others:
        raise WeightsError(
            f"{path} holds other things than tensors, {_name('such', others)}; the tensors may "
            "be one level deeper"
        )
    return dict(content)
