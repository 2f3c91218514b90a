"""The tracks of a sample as a video of dots, frame by frame."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from clipmill.canvas.draw import DotStyle, draw_tracks
from clipmill.export.content.sample import ExportSample

TrackBackground = Literal["white", "black"]


def track_pictures(
    sample: ExportSample, *, background: TrackBackground
) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the T pictures of the tracks of all objects, each a dot per visible point.

    Object k of the sample has colour k of `object_colours`; hidden points are not drawn. Only one
    picture is in memory.

    Args:
        sample: The sample.
        background: Where nothing is drawn.

    Yields:
        uint8 [H, W, 3] RGB.
    """
    width, height = sample.size
    style = DotStyle(background=1.0 if background == "white" else -1.0)
    tracks = [sample.tracks(entry) for entry in sample.row.objects]
    seen = [sample.visibility(entry) for entry in sample.row.objects]
    canvas = np.empty((1, 3, height, width), np.float32)
    for frame in range(sample.num_frames):
        draw_tracks(
            canvas,
            [points[frame : frame + 1] for points in tracks],
            [visible[frame : frame + 1] for visible in seen],
            style=style,
        )
        levels = np.rint((canvas[0].transpose(1, 2, 0) + 1) * 127.5)
        yield np.clip(levels, 0, 255).astype(np.uint8)
