"""Backend `embedded`: regions that move on their own, on the CPU, with nothing to download.

It finds movers, not classes: every object is called `object`, and a person who never moves is
background. Outlines come from motion and colour alone; backend `isnet` knows better.
"""

from typing import ClassVar

from pydantic import Field

from clipmill.annotations.base import BackendConfig, Needs
from clipmill.annotations.objects.carried import CarriedObjects, CarriedObjectsConfig
from clipmill.annotations.objects.propagation.look import Network


class MovingObjectsConfig(CarriedObjectsConfig):
    """Settings of the backend `embedded`: motion alone must be surer of itself."""

    min_area: float = Field(
        0.01, gt=0, lt=1, description="Smallest object, share of the frame; select on `area`."
    )
    entry_confidence: float = Field(
        0.8, ge=0, le=1, description="Only of objects that are as sure as this."
    )
    min_confidence: float = Field(
        0.15, ge=0, le=1, description="Below this it is noise; select on `confidence` above it."
    )


class MovingObjects(CarriedObjects):
    """Independently moving regions, carried through the clip by flow and colours."""

    name: ClassVar[str] = "embedded"
    version: ClassVar[int] = 6
    Config: ClassVar[type[BackendConfig]] = MovingObjectsConfig
    needs: ClassVar[Needs] = Needs(licence="Apache-2.0 (OpenCV, scikit-learn)")

    def whole_network(self) -> Network | None:
        """Motion finds the objects."""
        return None

    def crop_network(self) -> Network | None:
        """Colours fit the edges."""
        return None
