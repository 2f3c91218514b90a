"""What every engine can do: take clips, give outcomes, and say what it has and what it took."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from clipmill.annotations.base import ClipInput
from clipmill.engine.rates import StageRates
from clipmill.engine.spec import StageSpec
from clipmill.store.annotations import Outcome

Item = tuple[str, ClipInput]
"""Key and input of one clip."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resources:
    """What an engine works with.

    Attributes:
        processes: Worker processes at a time, of stages without a GPU; 0 where everything is done
            in the calling one.
        cpu_threads: Threads that the libraries of one worker may use.
    """

    processes: int
    cpu_threads: int


class Engine(ABC):
    """Places units of clips on workers; as a context manager, it closes itself.

    One engine runs one stage at a time, and any number of them one after another.

    Attributes:
        say: Told in words what users should know of how a stage goes on; a warning, which the
            command line shows, unless somebody else wants it.
        rates: How the stage went that was run last.
        elsewhere: Whether workers run on other machines: this one may lack their GPUs.
    """

    say: Callable[[str], None] = staticmethod(_log.warning)
    rates: StageRates = StageRates()
    elsewhere: bool = False

    @property
    @abstractmethod
    def resources(self) -> Resources:
        """What it works with."""

    @property
    @abstractmethod
    def peak_rss(self) -> int:
        """Largest resident set of any worker so far, bytes."""

    @abstractmethod
    def run(self, spec: StageSpec, items: Iterable[Item]) -> Generator[list[Outcome], None, None]:
        """Yield one outcome per clip, in lots worth committing, in the order they finish.

        Args:
            spec: The stage.
            items: Its clips; read only as far as they are placed.

        Raises:
            ClipmillError: The stage cannot be worked on at all.
            KeyboardInterrupt: After the finished outcomes were yielded.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the workers."""

    def __enter__(self) -> Self:
        """Return the engine itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the workers, whatever happened."""
        self.close()
