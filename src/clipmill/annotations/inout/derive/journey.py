"""One object on its way through a clip, with the masks that a backend fills in."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from clipmill.vision.masks import Mask


@dataclass
class Journey:
    """One object; frames count from the clip's start.

    Attributes:
        anchor: Frame of its mask.
        mask: bool [H, W] at the working size.
        points: float [T, N, 2], x, y in working pixels, from the anchor on.
        visible: bool [T, N]: survived and seen.
        survived: bool [N].
        identity: Number of the carried object it is, None where none is carried.
        forward: `encode_mask` blobs from the anchor on, filled by a backend.
        backward: The same before the anchor, nearest first.
        left: Whether it went out over the picture's edge at the end.
        came: Whether it came in over the picture's edge at the beginning.
        after: Frames after the last mask at which it had gone.
        before: Frames before the first mask at which it came in.
    """

    anchor: int
    mask: Mask
    points: npt.NDArray[np.floating]
    visible: npt.NDArray[np.bool_]
    survived: npt.NDArray[np.bool_]
    identity: int | None = None
    forward: list[bytes] = field(default_factory=list)
    backward: list[bytes] = field(default_factory=list)
    left: bool = False
    came: bool = False
    after: int = 0
    before: int = 0

    @property
    def end(self) -> int:
        """One past the last frame that has tracks."""
        return self.anchor + len(self.points)

    @property
    def first_frame(self) -> int:
        """Frame of the first mask."""
        return self.anchor - len(self.backward)

    @property
    def masks(self) -> tuple[bytes, ...]:
        """All masks, from `first_frame` on."""
        return (*reversed(self.backward), *self.forward)
