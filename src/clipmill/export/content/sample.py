"""A sample in the frames and pixels of its export."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from clipmill.canvas.placement import Placement
from clipmill.export.content.timeline import Timeline
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import decode_bits, decode_mask, decode_tracks
from clipmill.video import FrameIndex


@dataclass(frozen=True, eq=False)
class CameraPath:
    """The camera at every frame of an export.

    Attributes:
        world_to_camera: float64 [T, 4, 4], OpenCV convention (x right, y down, z forward); the
            first is the identity. Translations are NaN from the first frame on whose place was not
            measured: a camera that shows no parallax may have turned or travelled far from all.
        intrinsics: float64 [T, 3, 3] in pixels of the export, pixel centres at whole numbers.
        metric: Whether translations are in metres; else they are up to scale.
        focal_known: Whether the focal length was estimated rather than assumed.
    """

    world_to_camera: npt.NDArray[np.float64]
    intrinsics: npt.NDArray[np.float64]
    metric: bool
    focal_known: bool

    @property
    def unmeasured(self) -> int | None:
        """First frame of the export whose place was not measured; None when all were."""
        known = np.isfinite(self.world_to_camera[:, :3, 3]).all(axis=1)
        return None if known.all() else int(np.argmin(known))


class ListedSample(TypedDict):
    """What every list of samples says of one, in frames and pixels of the export."""

    caption: str
    caption_origin: str
    num_frames: int
    fps: float
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class ExportSample:
    """One sample as it is exported; T frames of W x H pixels.

    Attributes:
        row: The sample in frames and pixels OF THE EXPORT: `start` and `anchor` are 0, `end` and
            `num_frames` T, `width`, `height` and `fps` the exported ones, points, boxes, regions
            and masks moved along. Frames of identity images may lie outside [0, T).
        origin: The sample as the workspace has it.
        timeline: The T frames.
        placement: From source pixels to those of the export.
        index: Frame index of the source video.
        size_bytes: Size of the source video when it was listed; None when not known any more.
        camera: Poses; None when there is no camera annotation of the clip.
        masks: By object id, T `encode_mask` blobs over the whole exported frame; empty masks
            where the object is not seen. Objects whose masks were never carried through the clip
            are not in it.
        text: Caption that came with the data set; empty when there was none.
        scores: Numbers of the clip by `annotation.column`.
        colours: Those that the source video names, in one line.
    """

    row: SampleRow
    origin: SampleRow
    timeline: Timeline
    placement: Placement
    index: FrameIndex
    size_bytes: int | None = None
    camera: CameraPath | None = None
    masks: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    text: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    colours: str = ""

    @property
    def sample_id(self) -> str:
        """The sample."""
        return self.row.sample_id

    @property
    def listed(self) -> ListedSample:
        """Its caption, frames and size, for lists."""
        row = self.row
        return {
            "caption": row.caption,
            "caption_origin": row.caption_origin,
            "num_frames": row.num_frames,
            "fps": row.fps,
            "width": row.width,
            "height": row.height,
        }

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.timeline)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the exported frames."""
        return self.placement.target

    @property
    def is_untouched(self) -> bool:
        """Whether the sample is its whole source video as it is.

        No cut in time or space, and pictures that any reader finds in the file: no colours that
        were converted, square pixels, no fields, the first video stream.
        """
        return (
            not self.index.altered
            and self.placement.is_whole
            and self.timeline.every_frame
            and self.num_frames == self.index.num_frames
            and not self.index.variable_rate
        )

    def tracks(self, entry: SampleObject) -> npt.NDArray[np.float32]:
        """Return the points of an object: float32 [T, N, 2], x, y in pixels of the export."""
        return decode_tracks(entry.points)

    def visibility(self, entry: SampleObject) -> npt.NDArray[np.bool_]:
        """Return which points of an object are seen: bool [T, N]."""
        return decode_bits(entry.visibility)

    def mask(self, object_id: str, frame: int) -> npt.NDArray[np.bool_] | None:
        """Return the mask [H, W] of an object in a frame of the export; None when unknown."""
        blobs = self.masks.get(object_id)
        if blobs is None:
            return None
        return decode_mask(blobs[frame], size=(self.row.height, self.row.width))
