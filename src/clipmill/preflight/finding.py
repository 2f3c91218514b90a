"""What a check says of one thing."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "missing"]


@dataclass(frozen=True)
class Finding:
    """One line of an examination.

    Attributes:
        check: Kind of thing, e.g. `weights`.
        name: The thing, e.g. `autoshot`.
        state: `missing` stops a run, `warning` is told.
        text: What was found; the same words for things in the same state.
        todo: What to do about it, in words.
        command: What gets it, for a shell.
        size_bytes: Bytes to be fetched.
        step: Title of the step whose work needs it: a run in which nothing of the step is pending
            can do without. Empty for what every run needs.
    """

    check: str
    name: str
    state: State
    text: str
    todo: str = ""
    command: str = ""
    size_bytes: int = 0
    step: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether it stops a run."""
        return self.state == "missing"
