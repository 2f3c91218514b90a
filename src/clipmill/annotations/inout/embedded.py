"""Backend `embedded`: masks carried by flow and tracks, refined by GrabCut, on the CPU."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from clipmill.annotations.base import BackendConfig, ClipInput, Needs
from clipmill.annotations.inout.carry import CarryLimits, Journey, carry
from clipmill.annotations.inout.masked import InOutConfig, MaskedInOut
from clipmill.vision.dense_flow import FlowEstimator

if TYPE_CHECKING:
    from clipmill.video import FrameSize, VideoReader


class TrackedMasksConfig(InOutConfig):
    """Settings of the embedded inout backend."""

    present_share: float = Field(
        0.005, ge=0, lt=1, description="Part of the anchor's mask that must be in the picture."
    )
    # Carried masks take a few frames to grow back when an object comes out from behind another.
    off_share: float = Field(
        0.1, ge=0, le=1, description="Share of its visible frames a point may be off the mask."
    )
    snap_every: int = Field(6, ge=1, description="Frames between two fits to the colours.")

    @property
    def carry_limits(self) -> CarryLimits:
        """Settings of the carrying."""
        return CarryLimits(self.back, self.present_share, self.snap_every)


class TrackedMasks(MaskedInOut):
    """Masks go with the tracks and the flow, and are fitted to the colours."""

    name: ClassVar[str] = "embedded"
    version: ClassVar[int] = 1
    Config: ClassVar[type[BackendConfig]] = TrackedMasksConfig
    needs: ClassVar[Needs] = Needs(licence="Apache-2.0 (OpenCV)")
    config: TrackedMasksConfig

    def setup(self) -> None:
        """Prepare the flow estimator."""
        self._flows = FlowEstimator()

    def follow(
        self,
        item: ClipInput,
        reader: "VideoReader",
        journeys: Sequence[Journey],
        size: "FrameSize",
    ) -> None:
        """Carry the masks, forwards with the tracks and backwards without."""
        limits = self.config.carry_limits
        carry(item, reader, journeys, size=size, flows=self._flows, limits=limits)
