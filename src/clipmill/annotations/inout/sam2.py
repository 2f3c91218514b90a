"""Backend `sam2`: masks carried by SAM 2.1 (Ravi et al., 2024) from the points of the tracks."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import RUNTIME, BackendConfig, ClipInput, Needs
from clipmill.annotations.checkpoints import Checkpoint
from clipmill.annotations.inout.derive.journey import Journey
from clipmill.annotations.inout.masked import InOutConfig, MaskedInOut, TrackedSubject
from clipmill.annotations.optional import needed_from
from clipmill.store.codecs import decode_mask, encode_mask

if TYPE_CHECKING:
    from clipmill.video import FrameSize, VideoReader

_PIECE = 32
"""Frames in memory at once when going backwards."""


class Sam2InOutConfig(InOutConfig):
    """Settings of the backend; the published pipeline's by default."""

    model: str = Field("facebook/sam2.1-hiera-large", description="Hub name or folder.")
    revision: str | None = Field(None, description="Commit or tag on the hub.")
    weights: Annotated[str | None, RUNTIME] = Field(
        None, description="Folder to load instead, placed by hand."
    )
    device: Annotated[str, RUNTIME] = Field("auto", description="auto, cuda, cuda:N, mps or cpu.")
    long_side: int = Field(1024, ge=64, description="Size of the masks, longer side in pixels.")
    back: int = Field(
        0, ge=0, description="Frames to look back for the entry; doubles the work where it is long."
    )


class Sam2InOut(MaskedInOut):
    """Every object is prompted at its anchor with its surviving points, label 1.

    Those that are seen there; where none is, all of them, as published. Masks reach as far as the
    tracks. A hidden point says nothing about a mask: only frames in which a point is visible can
    make it invalid.
    """

    name: ClassVar[str] = "sam2"
    version: ClassVar[int] = 2
    Config: ClassVar[type[BackendConfig]] = Sam2InOutConfig
    needs: ClassVar[Needs] = Needs(
        modules=("torch", "transformers"),
        extra="frameino",
        gpu=True,
        weights=("sam2",),
        licence="Apache-2.0 (SAM 2.1, transformers)",
        gpu_memory=4.0,  # 0.9 of weights; the memory of its frames is estimated
    )
    time_limit: ClassVar[float] = 1200.0
    prompts_hidden: ClassVar[bool] = True
    config: Sam2InOutConfig

    @classmethod
    def identity(cls, config: Sam2InOutConfig) -> dict[str, str]:
        """Name the checkpoint."""
        return Checkpoint(config.model, config.revision, config.weights).identity()

    def setup(self) -> None:
        """Load the checkpoint."""
        config, what = self.config, f"inout backend '{self.name}'"
        with needed_from(self.needs.extra, what=what):
            from clipmill.models.device import choose_device
            from clipmill.models.sam2 import VideoMasker
        checkpoint = Checkpoint(config.model, config.revision, config.weights)
        location, revision = checkpoint.locate()
        device = choose_device(config.device, need_gpu=self.needs.gpu, what=what)
        self._masker = VideoMasker(location, revision=revision, device=device)

    def follow(
        self,
        item: ClipInput,
        reader: "VideoReader",
        journeys: Sequence[Journey],
        size: "FrameSize",
    ) -> None:
        """Carry the masks forwards, in one pass for all anchors, and backwards if asked to."""
        from clipmill.video import FrameSize

        square = FrameSize(self._masker.side, self._masker.side)
        blank = encode_mask(np.zeros((size.height, size.width), bool))
        for journey in journeys:
            if not _prompts(journey).any():
                journey.forward.extend([blank] * (journey.end - journey.anchor))
        together = _by_anchor([journey for journey in journeys if _prompts(journey).any()])
        if not together:
            return
        first = together[0][0].anchor
        ends = [max(journey.end for journey in here) - 1 for here in together]
        frames = _forwards(item, reader, square, first=first, last=max(ends))
        self._carry(frames, together, ends, size)
        # An anchor at the clip's start has nothing before it.
        together = [here for here in together if min(self.config.back, here[0].anchor) > 0]
        if together:
            ends = [max(0, here[0].anchor - self.config.back) for here in together]
            last = together[-1][0].anchor
            frames = _backwards(item, reader, square, first=min(ends), last=last)
            self._carry(frames, together, ends, size)

    def _carry(
        self,
        frames: Iterator[tuple[int, npt.NDArray[np.uint8]]],
        together: Sequence[Sequence[Journey]],
        ends: Sequence[int],
        size: "FrameSize",
    ) -> None:
        """Carry the journeys of each anchor from there to a last frame, in one pass."""
        from clipmill.models.sam2 import Prompted

        scale = np.array([size.width, size.height])
        groups = [
            Prompted(
                frame=here[0].anchor,
                last=end,
                points=[(journey.points[0, _prompts(journey)] + 0.5) / scale for journey in here],
            )
            for here, end in zip(together, ends, strict=True)
        ]
        for frame, picture in frames:
            found = self._masker.step(frame, picture, groups, size=(size.height, size.width))
            for number, masks in found.items():
                for journey, mask in zip(together[number], masks, strict=True):
                    if groups[number].reverse and frame < journey.anchor:
                        journey.backward.append(encode_mask(mask))
                    elif not groups[number].reverse and frame < journey.end:
                        journey.forward.append(encode_mask(mask))
        for here, group in zip(together, groups, strict=True):
            for journey in here:
                if group.reverse:
                    journey.came = _went_over_the_edge(journey.backward)
                else:
                    journey.left = _went_over_the_edge(journey.forward)

    def anchor_mask(
        self, subject: TrackedSubject, journey: Journey, size: tuple[int, int]
    ) -> npt.NDArray[np.bool_]:
        """Return the object as the objects step saw it, and as SAM 2 sees it."""
        own = decode_mask(journey.forward[0], size=(size[1], size[0]))
        return super().anchor_mask(subject, journey, size) | own


def _prompts(journey: Journey) -> npt.NDArray[np.bool_]:
    """Return which points prompt an object, bool [N].

    Those that survived and are seen; where none is, the tracker may be wrong, and the published
    pipeline asks no tracker: all that survived.
    """
    seen = journey.visible[0]
    return seen if seen.any() else journey.survived


def _by_anchor(journeys: Sequence[Journey]) -> list[list[Journey]]:
    anchors = sorted({journey.anchor for journey in journeys})
    return [[journey for journey in journeys if journey.anchor == anchor] for anchor in anchors]


def _forwards(
    item: ClipInput, reader: "VideoReader", size: "FrameSize", *, first: int, last: int
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield the frames first, ..., last of the clip."""
    offset = item.clip.start
    for streamed in reader.stream(offset + first, offset + last + 1, sizes={"net": size}):
        yield streamed.index - offset, streamed.images["net"]


def _backwards(
    item: ClipInput, reader: "VideoReader", size: "FrameSize", *, first: int, last: int
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield the frames last, ..., first of the clip, decoded in short pieces."""
    for high in range(last, first - 1, -_PIECE):
        low = max(first, high - _PIECE + 1)
        yield from reversed(list(_forwards(item, reader, size, first=low, last=high)))


def _went_over_the_edge(masks: Sequence[bytes]) -> bool:
    """Whether an object is gone at the end and touched the picture's edge when last seen."""
    seen = [place for place, blob in enumerate(masks) if decode_mask(blob).any()]
    if not seen or seen[-1] == len(masks) - 1:
        return False
    mask = decode_mask(masks[seen[-1]])
    return bool(mask[:2].any() or mask[-2:].any() or mask[:, :2].any() or mask[:, -2:].any())
