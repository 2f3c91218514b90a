"""What every step of a pipeline can do: be checked, be applied, and name its columns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import pyarrow as pa

from clipmill.annotations.columns import Columns
from clipmill.config import StepSettings
from clipmill.pipeline.context import Context, Stage, fingerprint_of
from clipmill.pipeline.population import Population
from clipmill.pipeline.verdicts import StepReport

SettingsT = TypeVar("SettingsT", bound=StepSettings)

Problems = Mapping[tuple[str | int, ...], str]
"""Problems of a step, by the place in its entry of the pipeline file."""

Applied = tuple[Population, StepReport]
"""Who goes on, and what the step did."""

Execute = Callable[[Stage, Population, pa.Array], dict[str, str]]
"""Computes rows of the pending keys of a stage; returns errors that are not committed, by key."""


@dataclass(frozen=True)
class Work:
    """What a step may do besides looking at what is committed.

    Attributes:
        execute: Computes pending rows; when None, nothing is computed or written.
        retry: Kinds of failures to compute again; of no use where nothing is computed.
        allow_fewer: Replace samples also where there is none left.
    """

    execute: Execute | None = None
    retry: Collection[str] = ()
    allow_fewer: bool = False


class Step(ABC, Generic[SettingsT]):
    """One kind of step; an instance is one entry of the pipeline file.

    Args:
        settings: The entry.

    Attributes:
        reads: Annotations that earlier steps must have computed.
    """

    reads: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    @property
    def names(self) -> frozenset[str]:
        """Names by which `--until` may call the step."""
        return frozenset({self.settings.title, self.settings.name})

    def check(self, known: Mapping[str, Columns]) -> Problems:
        """Return what can be known to be wrong before the first clip is touched.

        Args:
            known: Columns that earlier steps give, by annotation.
        """
        return {
            ("needs", name): f"{self.settings.title}: needs `annotate: {name}` before it"
            for name in self.reads
            if name not in known
        }

    def columns(self) -> Mapping[str, Columns]:
        """Return the columns that the step gives to the rules of later ones, by annotation."""
        return {}

    def stage(self, context: Context) -> Stage | None:
        """Return the annotation that the step computes; None where it computes none."""
        return None

    def fingerprint(self, context: Context, before: str) -> str:
        """Return the hash of the steps up to this one, from that of those before it."""
        return fingerprint_of(before, self.settings.model_dump(mode="json"))

    @abstractmethod
    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Evaluate the step over what is committed, and yield who goes on with the report.

        A step that does one thing after another yields once for each. When a report has pending
        rows, it is the last one.

        Args:
            context: Workspace and pipeline.
            population: What reached the step.
            work: What it may do besides looking.
            fingerprint: See `fingerprint`.

        Raises:
            UsageError: It cannot be evaluated, or would replace samples by none.
        """
