"""Where a library model's checkpoint is, and what names it in a fingerprint.

A checkpoint is a folder in the format of `transformers` (config.json, safetensors, processor and
tokenizer files). It is found, in this order: placed by hand (`weights`), given as a folder instead
of a name, known to the weights registry (verified), or named on the Hugging Face hub.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from clipmill.disk import sha256_of
from clipmill.errors import UsageError
from clipmill.weights import REGISTRY, WeightSpec, find_weights, weights_identity

_HASHED = (".safetensors", ".bin", ".pth", ".pt", ".json", ".txt", ".model", ".jinja", ".py")


@dataclass(frozen=True)
class Checkpoint:
    """A model as a backend's settings name it.

    Attributes:
        model: Name on the hub, name in the registry, or a folder.
        revision: Commit or tag on the hub; the registry's when None.
        weights: Path of a hand-placed folder or file, used instead.
    """

    model: str
    revision: str | None = None
    weights: str | None = None

    @property
    def spec(self) -> WeightSpec | None:
        """Its entry in the weights registry, if it has one of this revision."""
        if self.by_hand:
            return None
        for spec in REGISTRY.values():
            if self.model in (spec.name, spec.hub_repo) and self.revision in (None, spec.revision):
                return spec
        return None

    @property
    def by_hand(self) -> Path | None:
        """The hand-placed path, if there is one."""
        if self.weights:
            return Path(self.weights).expanduser()
        return Path(self.model) if Path(self.model).is_dir() else None

    def locate(self) -> tuple[str, str | None]:
        """Return what `from_pretrained` takes: a folder or a hub name, and a revision.

        Raises:
            UsageError: The hand-placed path does not exist.
            MissingWeightsError: The registry knows the model, and it was not pulled.
        """
        if self.by_hand is not None:
            return str(_existing(self.by_hand)), None
        if self.spec is not None:
            return str(find_weights(self.spec.name)), None
        return self.model, self.revision

    def identity(self) -> dict[str, str]:
        """Return what decides the output of the model: its name and the version of its weights.

        Raises:
            UsageError: The hand-placed path does not exist.
            MissingWeightsError: The registry knows the model, and it was not pulled.
        """
        if self.by_hand is not None:
            return {"model": self.model, "sha256": hash_of(_existing(self.by_hand))}
        if self.spec is not None:
            return {"model": self.model} | weights_identity(self.spec.name)
        return {"model": self.model, "revision": self.revision or "main"}


def _existing(path: Path) -> Path:
    if not path.exists():
        raise UsageError(f"there are no weights at {path}; correct `weights` in the step's config")
    return path


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of a folder's model files."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in _HASHED)
    total = hashlib.sha256()
    for file in files:
        stat = file.stat()
        total.update(file.relative_to(path.parent if file == path else path).as_posix().encode())
        total.update(_file_hash(file, stat.st_size, stat.st_mtime_ns).encode())
    return total.hexdigest()


@cache
def _file_hash(path: Path, _size: int, _mtime: int) -> str:
    """Hash one file; a change of size or time makes a new entry of the cache."""
    return sha256_of(path)
