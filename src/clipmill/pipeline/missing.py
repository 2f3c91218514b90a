"""What a pipeline needs and a machine lacks, told once for the whole pipeline."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from clipmill.config import Pipeline
from clipmill.weights import WeightSpec

_OWN = "clipmill"


@dataclass
class Missing:
    """Packages, weights and GPUs that steps of a pipeline wait for.

    Attributes:
        fetched: Whether weights that a run fetches by itself must be here already.
        modules: Extra of clipmill that installs each missing Python module.
        weights: Weights that are not in the cache.
        no_gpu: Steps that need a GPU where there is none.
    """

    fetched: bool = True
    modules: dict[str, str] = field(default_factory=dict)
    weights: dict[str, WeightSpec] = field(default_factory=dict)
    no_gpu: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.modules or self.weights or self.no_gpu)

    def message(self, pipeline: Pipeline) -> str:
        """Return what is missing and the one command that gets all of it."""
        lines = [f"{pipeline.places.name or pipeline.name} cannot run here yet. Missing are:"]
        if self.modules:
            lines.append(f"  Python packages: {', '.join(sorted(self.modules))}")
        if self.weights:
            lines.append(f"  weights{self._size()}: {', '.join(map(repr, self.weights))}")
        if self.no_gpu:
            lines.append(
                f"  a GPU, which torch does not see, for: {', '.join(self.no_gpu)}; "
                "a profile that needs none: clipmill run --profile embedded"
            )
        if command := self._command(pipeline):
            lines.append(f"Get the packages and weights with: {command}")
        return "\n".join(lines)

    def _size(self) -> str:
        known = [spec.size_bytes for spec in self.weights.values() if spec.size_bytes]
        if not known:
            return ""
        least = "" if len(known) == len(self.weights) else "at least "
        return f" ({least}{sum(known) / 1e9:.1f} GB)"

    def _command(self, pipeline: Pipeline) -> str:
        parts = [install_command(self.modules.values())] if self.modules else []
        if self.weights:
            chosen = pipeline.places.option or " ".join(self.weights)
            parts.append(f"clipmill models pull {chosen}")
        return " && ".join(parts)


def install_command(extras: Iterable[str]) -> str:
    """Return the command that installs extras of clipmill; the package itself without any."""
    names = ",".join(sorted(set(extras) - {""}))
    return f'pip install "{_OWN}[{names}]"' if names else f"pip install {_OWN}"
