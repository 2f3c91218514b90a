"""The frames of a clip and the flow between them, in bounded memory.

Flow is computed while frames stream by. It is kept at half the working size, where DIS computes
it anyway; pictures are kept as JPEG, since few of them are looked at again.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.base import ClipInput
from clipmill.errors import ClipError
from clipmill.vision.dense_flow import Field, FlowEstimator, Gray, halved, round_trip

Picture = npt.NDArray[np.uint8]

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]


@dataclass(frozen=True)
class ClipFrames:
    """Frames of one clip.

    Attributes:
        source_size: Width and height of the video, pixels.
        work: Width and height of masks and flow, pixels.
        pictures: T JPEG pictures at the detail size.
        ahead: float16 [T - 1, h, w, 2]: flow from frame t to t + 1, pixels of the working size,
            on a grid of half of it.
        back: The same from t + 1 to t.
        trust: bits of bool [T - 1, 2, H, W]: where the flow from t to t + 1, and from t + 1 to t,
            goes there and back.
        quick: How OpenCV decodes a picture for the working size.
    """

    source_size: tuple[int, int]
    work: tuple[int, int]
    pictures: tuple[npt.NDArray[np.uint8], ...]
    ahead: npt.NDArray[np.float16]
    back: npt.NDArray[np.float16]
    trust: tuple[npt.NDArray[np.uint8], ...]
    quick: int = cv2.IMREAD_COLOR

    def __len__(self) -> int:
        return len(self.pictures)

    def detail(self, frame: int) -> Picture:
        """Return a frame at the detail size, uint8 [H, W, 3], RGB."""
        decoded = cv2.imdecode(self.pictures[frame], cv2.IMREAD_COLOR)
        assert decoded is not None
        return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)

    def small(self, frame: int) -> Picture:
        """Return a frame at the working size, uint8 [H, W, 3], RGB."""
        # A JPEG can be decoded at half its size for a third of the work.
        decoded = cv2.imdecode(self.pictures[frame], self.quick)
        assert decoded is not None
        fitted = cv2.resize(decoded, self.work, interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB)

    def grey(self, frame: int) -> Gray:
        """Return a frame at the working size, uint8 [H, W]."""
        return cv2.cvtColor(self.small(frame), cv2.COLOR_RGB2GRAY)

    def flow(self, first: int, second: int) -> Field:
        """Return the flow between neighbouring frames, float32 [H, W, 2], working pixels."""
        field = self.ahead[first] if second > first else self.back[second]
        return cv2.resize(field.astype(np.float32), self.work, interpolation=cv2.INTER_LINEAR)

    def trusted(self, first: int, second: int) -> npt.NDArray[np.bool_]:
        """Return bool [H, W]: where the flow from first to second goes there and back."""
        width, height = self.work
        bits = self.trust[min(first, second)]
        both = np.unpackbits(bits, count=2 * height * width).reshape(2, height, width)
        return both[0 if second > first else 1].view(np.bool_)


def read_frames(item: ClipInput, *, work_side: int, detail_side: int) -> ClipFrames:
    """Decode a clip once and compute the flow of every pair of neighbours.

    Args:
        item: The clip.
        work_side: Longer side of masks and flow, pixels.
        detail_side: Longer side of pictures, pixels; never larger than the source.

    Raises:
        ClipError: Nothing could be decoded.
    """
    from clipmill.video import FrameSize, fit_within

    flows = FlowEstimator()
    pictures: list[npt.NDArray[np.uint8]] = []
    trust: list[npt.NDArray[np.uint8]] = []
    before: Gray | None = None
    with item.open() as reader:
        source = (reader.width, reader.height)
        work = fit_within(*source, long_side=work_side)
        detail = fit_within(*source, long_side=min(detail_side, max(source)))
        # Written in place: a list and the array that it becomes would take the memory twice.
        grid = (item.clip.num_frames - 1, max(1, work[1] // 2), max(1, work[0] // 2), 2)
        ahead, back = np.empty(grid, np.float16), np.empty(grid, np.float16)
        sizes = {"detail": FrameSize(*detail), "work": FrameSize(*work, "gray")}
        for frame in reader.stream(item.clip.start, item.clip.end, sizes=sizes):
            grey = frame.images["work"]
            if before is not None:
                there, here = flows.one_way(before, grey), flows.one_way(grey, before)
                both = np.stack([round_trip(there, here), round_trip(here, there)])
                trust.append(np.packbits(both))
                ahead[len(pictures) - 1] = halved(there)
                back[len(pictures) - 1] = halved(here)
            before = grey
            shown = cv2.cvtColor(frame.images["detail"], cv2.COLOR_RGB2BGR)
            pictures.append(cv2.imencode(".jpg", shown, _QUALITY)[1])
    if not pictures:
        raise ClipError(f"{item.video.uri}: no frame of {item.clip.clip_id} could be decoded")
    return ClipFrames(
        source_size=source,
        work=work,
        pictures=tuple(pictures),
        ahead=ahead[: len(pictures) - 1],
        back=back[: len(pictures) - 1],
        trust=tuple(trust),
        quick=cv2.IMREAD_REDUCED_COLOR_2 if detail[0] >= 2 * work[0] else cv2.IMREAD_COLOR,
    )
