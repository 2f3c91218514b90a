"""Camera poses as RealEstate10K text: a header line, then 19 numbers per frame."""

from fractions import Fraction

import numpy as np

from clipmill.export.content.compose import LeftOutError
from clipmill.export.content.sample import CameraPath, ExportSample

POSE_CONVENTIONS = """\
- Pose files are RealEstate10K text: a first line that names the source video, then one line per
  frame of the clip with 19 numbers: time in whole microseconds (k / fps, counted from the clip's
  first frame), fx / W, fy / H, cx / W, cy / H, 0, 0, and the upper 3 x 4 of the WORLD-TO-CAMERA
  matrix, row by row. OpenCV axes: x right, y down, z forward. The first pose is the identity.
- fx, fy, cx, cy are shares of the clip's own width and height, after scaling and cutting. The
  principal point counts from the picture's corner: it is 0.5 where it is the middle.
- Translations are in metres where the index says `metric`, else up to one unknown scale per clip.
  Where `focal_known` is false the focal length was assumed, not measured.
- Samples in which the camera's place was not measured at every frame are left out: a camera that
  shows no parallax (it only turns, or all is far away) would have to be written as one that stands.
"""


def pose_lines(sample: ExportSample) -> list[str]:
    """Return the pose file of a sample, line by line, without line ends.

    The first line names the source video. Line k + 1 holds frame k: time in microseconds,
    fx / W, fy / H, cx / W, cy / H, 0, 0, and 12 numbers of the world-to-camera matrix, row by
    row (OpenCV axes). cx / W is 0.5 where the principal point is the middle of the picture.

    Raises:
        LeftOutError: The clip has no camera poses, or not at every frame.
    """
    camera = camera_of(sample)
    header = " ".join(sample.row.relative_path.split()) or sample.sample_id
    return [header, *_frames(camera, sample.timeline.fps, size=sample.size)]


def camera_of(sample: ExportSample) -> CameraPath:
    """Return the camera of a sample whose place is known at every frame.

    Raises:
        LeftOutError: The clip has no camera poses, or not at every frame.
    """
    camera = sample.camera
    if camera is None:
        raise LeftOutError("the clip has no camera poses")
    if camera.unmeasured is not None:
        raise LeftOutError(
            f"how the camera travels was not measured (no parallax up to frame {camera.unmeasured} "
            f"of {sample.num_frames}), so there are no poses"
        )
    return camera


def _frames(camera: CameraPath, fps: Fraction, *, size: tuple[int, int]) -> list[str]:
    matrices = camera.intrinsics
    sides = np.array(size, np.float64)
    shares = np.zeros((len(matrices), 6))
    shares[:, 0:2] = matrices[:, (0, 1), (0, 1)] / sides
    # Pixel centres are whole numbers in the matrix; shares count from the picture's corner.
    shares[:, 2:4] = (matrices[:, :2, 2] + 0.5) / sides
    poses = camera.world_to_camera[:, :3].reshape(-1, 12)
    # Adding 0 turns -0 into 0.
    numbers = np.round(np.concatenate([shares, poses], axis=1), 9) + 0.0
    return [
        " ".join([str(round(k * 1_000_000 / fps)), *(f"{value:.9f}" for value in row)])
        for k, row in enumerate(numbers.tolist())
    ]
