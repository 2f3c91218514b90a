"""Camera motion."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CameraRow:
    """Camera motion over the sampled frames of a clip.

    Poses are world-to-camera in the OpenCV convention (x right, y down, z forward), the first
    sampled frame being the identity. Where only a homography could be fitted (a rotating or
    zooming camera, a flat scene), translation is zero.

    Attributes:
        frames: `encode_array` int32 [T]: sampled frames, counted from the clip's start.
        rotations: `encode_array` float32 [T, 3, 3].
        translations: `encode_array` float32 [T, 3]; `metric` tells the unit.
        focals: `encode_array` float32 [T, 2]: fx, fy in source pixels (assumed where it
            cannot be measured, see `focal_known`).
        homographies: `encode_array` float64 [T-1, 3, 3]: background motion in source pixels
            from sampled frame t to t+1, homogeneous x, y, 1; bottom right is 1.
        rotation: Mean rotation between neighbouring sampled frames, degrees PER FRAME.
        translation: Mean translation between neighbouring sampled frames, per frame, in units
            of the scene's median depth (up to scale unless `metric`).
        zoom: Mean |log(focal ratio)| between neighbouring sampled frames, per frame.
        pan_speed: Mean shift of the background at the image centre, source pixels per frame.
        inlier_share: Share of background points that follow the fitted motion, [0, 1].
        residual: Median distance of the background points from the fitted motion, source
            pixels.
        metric: Whether translations are in metres.
        focal_known: Whether the focal length was estimated rather than assumed.
    """

    frames: bytes
    rotations: bytes
    translations: bytes
    focals: bytes
    homographies: bytes
    rotation: float
    translation: float
    zoom: float
    pan_speed: float
    inlier_share: float
    residual: float
    metric: bool
    focal_known: bool
