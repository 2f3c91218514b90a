"""How fast a stage went, and what it waited for."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What one worker has done in a stage, and what it waited for.

    Attributes:
        clips: Clips with an outcome.
        busy: Seconds in the model.
        waiting: Seconds in which the model waited for a clip that was being loaded.
        idle: Seconds in which there was no clip to work on.
        loading: Seconds of loading, of all its threads together.
        setup: Seconds for loading the model.
        peak_rss: Largest resident set of its process, bytes.
        peak_gpu: Most GPU memory in use, bytes; 0 without a GPU.
    """

    clips: int = 0
    busy: float = 0.0
    waiting: float = 0.0
    idle: float = 0.0
    loading: float = 0.0
    setup: float = 0.0
    peak_rss: int = 0
    peak_gpu: int = 0


@dataclass(frozen=True)
class StageRates:
    """How a stage went, all its workers together.

    Attributes:
        clips: Clips computed.
        seconds: Time that it took, from its first clip placed to its last outcome.
        workers: Workers that were at it.
        busy: Share of the time of its workers, their setup excepted, in which the model worked.
        waiting: Share in which the model waited for decoding.
        setup: Seconds for loading the model, the longest.
        peak_rss: Largest resident set of a worker, bytes.
        peak_gpu: Most GPU memory that a worker used, bytes.
    """

    clips: int = 0
    seconds: float = 0.0
    workers: int = 0
    busy: float = 0.0
    waiting: float = 0.0
    setup: float = 0.0
    peak_rss: int = 0
    peak_gpu: int = 0

    @property
    def per_hour(self) -> float:
        """Clips per hour, loading the model included."""
        return 3600 * self.clips / self.seconds if self.seconds else 0.0

    @classmethod
    def of(cls, workers: Iterable[Measured], *, clips: int, seconds: float) -> "StageRates":
        """Put together what the workers of a stage have measured.

        Args:
            workers: One each; those that died are not there.
            clips: Outcomes of the stage.
            seconds: That it took.
        """
        known = list(workers)
        total = sum(one.busy + one.waiting + one.idle for one in known)
        return cls(
            clips=clips,
            seconds=seconds,
            workers=len(known),
            busy=sum(one.busy for one in known) / total if total else 0.0,
            waiting=sum(one.waiting for one in known) / total if total else 0.0,
            setup=max((one.setup for one in known), default=0.0),
            peak_rss=max((one.peak_rss for one in known), default=0),
            peak_gpu=max((one.peak_gpu for one in known), default=0),
        )
