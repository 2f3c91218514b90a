"""Where the parts of a pipeline were written, for errors found after the file was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Places:
    """Lines of a pipeline file.

    All instances are equal: where something is written is no part of what it is.

    Attributes:
        name: The file, for people; empty for a pipeline that was made in a program.
        option: Option of the command line that names it: `--profile cpu`, `--config my.yaml`.
        lines: 1-based line of each mapping key and list item, by its path
            (`("steps", 2, "backend")`).
        given: What was set on the command line instead, by the same paths.
    """

    name: str = field(default="", compare=False)
    option: str = field(default="", compare=False)
    lines: Mapping[Path, int] = field(default_factory=dict, compare=False)
    given: Mapping[Path, str] = field(default_factory=dict, compare=False)

    def of(self, *path: str | int) -> str:
        """Return `file:line: ` of the deepest known place along a path; empty without a file.

        For what was set on the command line, the option that did.
        """
        for length in range(len(path), 0, -1):
            if path[:length] in self.given:
                return f"{self.given[path[:length]]}: "
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return f"{self.name}:{self.lines[path[:length]]}: "
        return f"{self.name}: " if self.name else ""
