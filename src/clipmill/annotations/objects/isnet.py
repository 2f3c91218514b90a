"""Backend `isnet`: what stands out of the picture and moves, on the CPU, with one small network.

IS-Net (Qin et al., "Highly Accurate Dichotomous Image Segmentation", ECCV 2022) proposes, motion
chooses; the network sees whole frames to find things and crops to follow them.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from clipmill.annotations.base import RUNTIME, BackendConfig, Needs
from clipmill.annotations.checkpoints import Checkpoint
from clipmill.annotations.objects.carried import CarriedObjects, CarriedObjectsConfig
from clipmill.annotations.objects.propagation.frames import Picture
from clipmill.annotations.objects.propagation.look import Network
from clipmill.vision.masks import SoftMask


class SalientObjectsConfig(CarriedObjectsConfig):
    """Settings of the backend `isnet`."""

    whole_side: int = Field(
        1024, ge=64, description="Longer side of whole frames as the network sees them."
    )
    crop_side: int = Field(512, ge=64, description="Longer side of crops as the network sees them.")
    looks: int = Field(
        26, ge=1, description="Looks at the first object of a clip, about; fewer at each further."
    )
    weights: Annotated[str | None, RUNTIME] = Field(
        None, description="ONNX file used instead of the registry's."
    )

    @field_validator("whole_side", "crop_side")
    @classmethod
    def _is_multiple(cls, side: int) -> int:
        if side % 64:
            raise ValueError(f"must be a multiple of 64, not {side}")
        return side


class SalientObjects(CarriedObjects):
    """Things that stand out and move on their own, with outlines of a network."""

    name: ClassVar[str] = "isnet"
    version: ClassVar[int] = 6
    Config: ClassVar[type[BackendConfig]] = SalientObjectsConfig
    needs: ClassVar[Needs] = Needs(
        weights=("isnet",),
        licence="MIT (weights), Apache-2.0 (IS-Net, OpenCV)",
        memory=2.0,  # 1.2 GiB at 720p (benchmarks/README.md)
    )
    time_limit: ClassVar[float] = 1200.0
    config: SalientObjectsConfig

    @classmethod
    def identity(cls, config: Any) -> dict[str, str]:
        """Name the network and the checksum of its weights."""
        return Checkpoint("isnet", weights=config.weights).identity()

    def setup(self) -> None:
        """Load the network.

        Raises:
            UsageError: The weights are missing, damaged, or another network's.
        """
        from clipmill.models.isnet import IsNet

        path = Path(Checkpoint("isnet", weights=self.config.weights).locate()[0])
        self._network = IsNet(path)

    def whole_network(self) -> Network | None:
        """Look at whole frames at the size the network was trained at."""
        return self._whole

    def crop_network(self) -> Network | None:
        """Look at crops at half of it."""
        return self._crop

    def _whole(self, picture: Picture) -> SoftMask:
        return self._network(picture, self.config.whole_side)

    def _crop(self, picture: Picture) -> SoftMask:
        return self._network(picture, self.config.crop_side)
