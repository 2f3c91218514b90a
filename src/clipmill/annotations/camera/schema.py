"""Camera motion."""

from dataclasses import dataclass, field

from clipmill.annotations.unmeasured import UNMEASURED


@dataclass(frozen=True)
class CameraRow:
    """Camera motion over the sampled frames of a clip.

    Axes are those of OpenCV: x right, y down, z forward, out of the camera. Poses are
    world-to-camera, and the world is the camera of the first sampled frame. What was not measured
    is NaN in arrays and None in fields, never 0: a camera that only turns shows nothing of how it
    travels, and where nothing moves at all it has not travelled, which is measured.

    Lengths are metres where `metric` is true. Else they count in one unit for the whole clip, the
    median depth of the background points that were seen from different places: a camera that
    goes 0.5 forward has gone half of the way to what is in the middle of the picture's depth.

    Words of film: a camera pans and tilts about its own place, it trucks, pedestals and dollies
    through the scene. Fields by these words are signed means, so that a camera that swings left
    and right has a mean near 0; `rotation` and `translation` are means of amounts.

    Attributes:
        frames: `encode_array` int32 [T]: sampled frames, counted from the clip's start.
        rotations: `encode_array` float32 [T, 3, 3]: world-to-camera at each sampled frame.
        translations: `encode_array` float32 [T, 3]: world-to-camera at each sampled frame, x_camera
            = R x_world + t. NaN from the first frame on whose place relative to the first
            sampled frame was not measured.
        steps: `encode_array` float32 [T-1, 3]: how the camera's centre moves from sampled frame t
            to t+1, in the axes of the camera at t. NaN where it was not measured. Length is that
            of the whole step, not per frame.
        focals: `encode_array` float32 [T, 2]: fx, fy in source pixels (assumed where it
            cannot be measured, see `focal_known`).
        homographies: `encode_array` float64 [T-1, 3, 3]: background motion in source pixels
            from sampled frame t to t+1, homogeneous x, y, 1; bottom right is 1.
        rotation: Mean angle between neighbouring sampled frames, degrees PER FRAME.
        pan: Mean turn about the camera's y axis, degrees per frame; > 0 turns right.
        tilt: Mean turn about the camera's x axis, degrees per frame; > 0 turns up.
        roll: Mean turn about the camera's z axis, degrees per frame; > 0 turns clockwise as the
            camera looks, so that the picture turns counter-clockwise.
        translation: Mean length of the measured steps, per frame. None where fewer than half of
            the steps were measured, as for the three below.
        truck: Mean of the steps' x, per frame; > 0 goes right.
        pedestal: Mean of the steps' -y, per frame; > 0 goes up.
        dolly: Mean of the steps' z, per frame; > 0 goes in (forward).
        travel_share: Share of the steps that were measured, [0, 1]; 0 for a single frame.
        zoom: Mean |log(focal ratio)| between neighbouring sampled frames, per frame.
        zoom_in: Mean log(focal ratio) between neighbouring sampled frames, per frame; > 0 zooms
            in (the focal length grows).
        pan_speed: Mean shift of the background at the image centre, source pixels per frame.
        inlier_share: Share of background points that follow the fitted motion, [0, 1].
        residual: Median distance of the background points from the fitted motion, source
            pixels.
        metric: Whether translations and steps are in metres.
        focal_known: Whether the focal length was estimated rather than assumed.
    """

    frames: bytes
    rotations: bytes
    translations: bytes
    steps: bytes
    focals: bytes
    homographies: bytes
    rotation: float
    pan: float
    tilt: float
    roll: float
    translation: float | None = field(metadata=UNMEASURED)
    truck: float | None = field(metadata=UNMEASURED)
    pedestal: float | None = field(metadata=UNMEASURED)
    dolly: float | None = field(metadata=UNMEASURED)
    travel_share: float
    zoom: float
    zoom_in: float
    pan_speed: float
    inlier_share: float
    residual: float
    metric: bool
    focal_known: bool
