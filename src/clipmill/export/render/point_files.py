"""Point tracks as the array files of motion-controlled video models."""

import io
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipmill.export.content.compose import LeftOutError
from clipmill.export.content.resample import Move, move_tracks
from clipmill.export.content.sample import ExportSample
from clipmill.export.content.timeline import make_timeline

ATI_FRAMES = 121
ATI_FPS = Fraction(24)
ATI_SCALE = 8
"""All numbers in an ATI file are divided by this when it is read, visibility included."""


def wan_move_arrays(
    sample: ExportSample,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return the tracks of a sample as Wan-Move reads them.

    The model carries the picture around each point's first place along its track, so only points
    that are seen at frame 0 are in it.

    Returns:
        Points float32 [1, T, N, 2] (x, y in pixels of the export) and visibility bool [1, T, N].

    Raises:
        LeftOutError: No point is seen at the first frame.
    """
    objects = sample.row.objects
    points = np.concatenate([sample.tracks(entry) for entry in objects], axis=1)
    seen = np.concatenate([sample.visibility(entry) for entry in objects], axis=1)
    kept = seen[0]
    if not kept.any():
        raise LeftOutError("no point is seen at the first frame (Wan-Move)")
    return points[None, :, kept].astype(np.float32), seen[None, :, kept]


def ati_array(sample: ExportSample) -> npt.NDArray[np.float32]:
    """Return the tracks of a sample as ATI reads them: always 121 moments at 24 per second.

    Positions are those of the moments k / 24 s from the sample's first frame on, interpolated
    between source frames, whatever the rate of the exported video. Behind the last exported frame
    points stand still, unseen.

    Returns:
        float32 [N, 121, 1, 3]: x, y in pixels of the export and visibility (0 or 1), all times 8.
    """
    origin = sample.origin
    first = origin.start + origin.anchor
    lasting = sample.num_frames / sample.timeline.fps
    move = Move(
        timeline=make_timeline(
            sample.index.pts[first : origin.end],
            sample.index.time_base,
            first=first,
            fps=ATI_FPS,
            same_rate=False,
            max_frames=max(1, min(ATI_FRAMES, int(lasting * ATI_FPS))),
        ),
        placement=sample.placement,
        anchor=first,
        clip_start=origin.start,
        resample="interpolated",
    )
    wanted = {entry.object_id for entry in sample.row.objects}
    moved = [move_tracks(entry, move) for entry in origin.objects if entry.object_id in wanted]
    points = np.concatenate([found for found, _ in moved], axis=1)
    seen = np.concatenate([found for _, found in moved], axis=1)
    missing = ATI_FRAMES - len(points)
    points = np.pad(points, ((0, missing), (0, 0), (0, 0)), mode="edge")
    seen = np.pad(seen, ((0, missing), (0, 0)))
    joined = np.concatenate([points, seen[:, :, None]], axis=2) * ATI_SCALE
    return np.ascontiguousarray(joined.transpose(1, 0, 2)[:, :, None], np.float32)


def write_ati(path: Path, array: npt.NDArray[np.float32]) -> None:
    """Write what `torch.save` would of the bytes of an npz file with the one key `array`.

    PyTorch is not needed for it, and the same array gives the same bytes.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as inner:
        held = io.BytesIO()
        np.save(held, array, allow_pickle=False)
        inner.writestr(_entry("array.npy", zipfile.ZIP_DEFLATED), held.getvalue())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as outer:
        # Protocol 2 is the one that `torch.load` reads without trusting the file.
        value = pickle.dumps(packed.getvalue(), protocol=2)
        outer.writestr(_entry("archive/data.pkl"), value)
        outer.writestr(_entry("archive/byteorder"), "little")
        outer.writestr(_entry("archive/version"), "3\n")


def _entry(name: str, method: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    """Return an entry without the time of day."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = method
    return entry
