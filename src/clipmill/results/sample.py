"""One training sample, to look at it."""

import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.clips import Video
from clipmill.errors import UsageError
from clipmill.inspection.painting import SamplePainter
from clipmill.inspection.preview import (
    LONG_SIDE,
    MAX_FRAMES,
    preview_rate,
    preview_writer,
    source_of,
)
from clipmill.pipeline.context import Context
from clipmill.results.view import SampleView, contact_sheet, make_view
from clipmill.samples.schema import SampleRow
from clipmill.video import FrameSize, fit_within

_LEAST_SIDE = 64


class Sample:
    """A clip from one anchor on, with its kept objects. Made by `Results.sample`.

    Attributes:
        row: Everything that is stored of it, see [samples](columns.md#samples); masks and tracks
            are decoded by `clipmill.store.codecs`.
    """

    def __init__(self, row: SampleRow, *, context: Context, video: Video) -> None:
        self.row = row
        self._context, self._video = context, video

    def __repr__(self) -> str:
        row = self.row
        return f"<sample {row.sample_id}: {row.num_frames} frames, {row.num_objects} objects>"

    @property
    def sample_id(self) -> str:
        """`{clip_id}-a{anchor:05d}`."""
        return self.row.sample_id

    @property
    def caption(self) -> str:
        """Text of the sample; empty without one."""
        return self.row.caption

    def frames(
        self, numbers: Sequence[int] | None = None, *, long_side: int | None = None
    ) -> npt.NDArray[np.uint8]:
        """Decode frames of the sample, exactly those that training reads.

        Args:
            numbers: Frames, counted from the sample's first one; all when None.
            long_side: The longer side in pixels, at most; sides are then even. As in the video
                when None.

        Returns:
            uint8 [N, H, W, 3] RGB, upright.

        Raises:
            IndexError: The sample has no such frame.
            VideoError: The video is missing, was changed or cannot be decoded.
        """
        numbers = range(self.row.num_frames) if numbers is None else numbers
        for number in numbers:
            if not 0 <= number < self.row.num_frames:
                raise IndexError(f"no frame {number} in a sample of {self.row.num_frames}")
        size = None if long_side is None else FrameSize(*self._size(long_side))
        with source_of(self._video, self._probe) as reader:
            return reader.frames([self._first + number for number in numbers], size=size)

    def show(
        self, *, frames: int = 6, video: bool = True, long_side: int = LONG_SIDE
    ) -> SampleView:
        """Draw masks, boxes, tracks and the largest region of every object over the frames.

        Object k of the sample has colour k of `clipmill.training.object_colours`. A notebook shows
        the result where it is a cell's last expression; elsewhere it has the pictures, and `save`
        writes a page.

        Args:
            frames: Pictures of the contact sheet, spread evenly from the first frame to the last.
            video: Also make a video of all frames (500 at most), which takes a decode and an
                encode of them.
            long_side: Longer side of every picture in pixels, at most.

        Raises:
            UsageError: `frames` is below 1 or `long_side` below 64.
            VideoError: The video is missing, was changed or cannot be decoded.
        """
        if frames < 1 or long_side < _LEAST_SIDE:
            raise UsageError(
                f"frames must be at least 1 and long_side at least {_LEAST_SIDE}, "
                f"not {frames} and {long_side}"
            )
        size = self._size(long_side)
        painter = SamplePainter(self.row, self._inouts, size=size)
        last = self.row.num_frames - 1
        numbers = list(dict.fromkeys(np.linspace(0, last, frames).round().astype(int).tolist()))
        pictures = self.frames(numbers, long_side=long_side)
        painted = [painter.paint(p, n) for p, n in zip(pictures, numbers, strict=True)]
        note = ""
        if video and self.row.num_frames > MAX_FRAMES:
            note = f"The video ends after {MAX_FRAMES} of {self.row.num_frames} frames."
        return make_view(
            self.row,
            colours=painter.colours,
            sheet=contact_sheet(painted, numbers),
            video=self._film(painter, size) if video else None,
            note=note,
        )

    def _film(self, painter: SamplePainter, size: tuple[int, int]) -> bytes:
        """Encode the painted frames as an mp4."""
        first, count = self._first, min(self.row.num_frames, MAX_FRAMES)
        with tempfile.TemporaryDirectory(prefix="clipmill-") as folder:
            path = Path(folder) / "sample.mp4"
            rate = preview_rate(self._probe)
            with (
                source_of(self._video, self._probe) as reader,
                preview_writer(path, size=size, rate=rate) as writer,
            ):
                sizes = {"picture": FrameSize(*size)}
                for frame in reader.stream(first, first + count, sizes=sizes):
                    writer.add(painter.paint(frame.images["picture"], frame.index - first))
            return path.read_bytes()

    def _size(self, long_side: int) -> tuple[int, int]:
        return fit_within(self.row.width, self.row.height, long_side=long_side, multiple=2)

    @property
    def _first(self) -> int:
        """Its first frame, counted from the start of the video."""
        return self.row.start + self.row.anchor

    @cached_property
    def _probe(self) -> ProbeRow:
        file_id = self._video.file_id
        row: ProbeRow = self._context.stages["probe"].table.read([file_id])[file_id]
        return row

    @cached_property
    def _inouts(self) -> dict[str, ObjectInOut]:
        """Masks over time by object id; none where the pipeline has no `inout`."""
        stage = self._context.stages.get("inout")
        row: Any = None
        if stage is not None:
            row = stage.table.read([self.row.clip_id]).get(self.row.clip_id)
        return {entry.object_id: entry for entry in row.objects} if row is not None else {}
