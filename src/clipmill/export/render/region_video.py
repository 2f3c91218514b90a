"""What a region shows of a video, as the outpainting models want it: grey around it, and a mask.

Inside the region is the video, outside is grey 127; the mask is white where a model has to
generate. Both are ordinary H.264 with halved colour resolution, because few readers take anything
else, so that a pixel can look like its neighbour: sides of a region on multiples of 16 pixels fall
between the blocks of the encoder and keep the grey and the mask exact (see `aligned`).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipmill.canvas.placement import Box
from clipmill.export.content.frames import frames_of
from clipmill.export.content.sample import ExportSample
from clipmill.export.render.clip_video import check_count, open_writer, write_frames
from clipmill.export.render.encoding import EncodingOptions
from clipmill.export.render.overlay import only_inside
from clipmill.video.writing.writer import VideoWriter

_MASK_CRF = 2
"""Flat areas cost nothing; 0 would be a profile of H.264 that hardware readers refuse."""

_CLEAN_EDGES = {"x264-params": "no-deblock=1:aq-mode=0"}
"""Nothing is smoothed across the side of a region, and flat blocks get no coarser steps."""


@dataclass(frozen=True)
class RegionVideo:
    """A video to be made of a region.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the export, half-open.
        file: Where to.
    """

    box: Box
    file: Path


def write_region_videos(
    sample: ExportSample,
    regions: Sequence[RegionVideo],
    *,
    target: Path | None,
    options: EncodingOptions,
) -> None:
    """Encode what each region shows of a sample, in one decode.

    Args:
        sample: The sample.
        regions: What to make.
        target: Where the sample's own frames go; None when they are not wanted.
        options: Quality.

    Raises:
        ClipError: There are more or fewer frames than the sample has.
        VideoError: The video cannot be read.
    """
    with ExitStack() as stack:
        whole = stack.enter_context(open_writer(sample, target, options)) if target else None
        parts = [
            (region.box, stack.enter_context(_part_writer(sample, region.file, options)))
            for region in regions
        ]
        count = 0
        for image in frames_of(sample):
            if whole is not None:
                whole.add(image)
            for box, writer in parts:
                writer.add(only_inside(image, box))
            count += 1
    check_count(sample, count)


def _part_writer(sample: ExportSample, file: Path, options: EncodingOptions) -> VideoWriter:
    return VideoWriter(
        file,
        size=sample.size,
        fps=sample.timeline.fps,
        crf=options.crf,
        gop=options.gop,
        options=_CLEAN_EDGES,
    )


def write_mask_video(sample: ExportSample, box: Box, file: Path, options: EncodingOptions) -> None:
    """Encode the mask of a region over all frames: 255 outside, 0 inside."""
    finer = options.model_copy(update={"crf": min(_MASK_CRF, options.crf)})
    write_frames(sample, file, _masks(sample, box), finer)


def _masks(sample: ExportSample, box: Box) -> Iterator[npt.NDArray[np.uint8]]:
    width, height = sample.size
    x0, y0, x1, y1 = box
    mask = np.full((height, width, 3), 255, np.uint8)
    mask[y0:y1, x0:x1] = 0
    return repeat(mask, sample.num_frames)
