"""A camera that turns and travels evenly, and a workspace of one clip that it filmed, as it says.

Rotations about one axis and centres along a line are exact under any sane interpolation, so the
pose is known at every moment.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import truthful_backends
from scipy.spatial.transform import Rotation
from truthful_run import PIPELINE, SCENES

from clipmill.annotations.base import ClipInput
from clipmill.annotations.camera.schema import CameraRow
from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.demo.scene import render, truth, write_video
from clipmill.demo.truth import save_truth
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.run import run_pipeline
from clipmill.store.codecs import encode_array
from clipmill.store.workspace import Workspace

TURN = np.radians([0.10, 0.25, -0.05])
"""Rotation vector of the camera per frame."""

TRAVEL = np.array([0.02, -0.01, 0.03])
"""Movement of its centre per frame."""

FOCAL = 410.0


def world_to_camera(frame: float) -> np.ndarray:
    """Return the pose at a place between frames: float64 [4, 4]."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(TURN * frame).as_matrix()
    pose[:3, 3] = -pose[:3, :3] @ (TRAVEL * frame)
    return pose


def camera_row(num_frames: int, *, step: int = 3, metric: bool = True) -> CameraRow:
    """Return the camera of a clip, measured at every `step`-th frame and the last."""
    frames = sorted({*range(0, num_frames, step), num_frames - 1})
    poses = np.stack([world_to_camera(frame) for frame in frames])
    return CameraRow(
        frames=encode_array(np.array(frames, np.int32)),
        rotations=encode_array(poses[:, :3, :3].astype(np.float32)),
        translations=encode_array(poses[:, :3, 3].astype(np.float32)),
        steps=encode_array(_steps(poses).astype(np.float32)),
        focals=encode_array(np.full((len(frames), 2), FOCAL, np.float32)),
        homographies=encode_array(np.tile(np.eye(3), (len(frames) - 1, 1, 1))),
        rotation=0.1,
        pan=0.0,
        tilt=0.0,
        roll=0.0,
        translation=0.01,
        truck=0.0,
        pedestal=0.0,
        dolly=0.0,
        travel_share=1.0,
        zoom=0.0,
        zoom_in=0.0,
        pan_speed=0.0,
        inlier_share=1.0,
        residual=0.1,
        metric=metric,
        focal_known=True,
    )


def _steps(poses: np.ndarray) -> np.ndarray:
    """Return how the centre moves from pose to pose, in the axes of the first of the two."""
    relative = poses[1:] @ np.linalg.inv(poses[:-1])
    return -np.einsum("tji,tj->ti", relative[:, :3, :3], relative[:, :3, 3])


class MovingCamera(truthful_backends.Camera):
    """Says that the moving camera filmed every clip."""

    name = "moving"

    def row(self, item: ClipInput) -> CameraRow:
        return camera_row(item.clip.num_frames)


def build_filmed_workspace(folder: Path) -> Workspace:
    """Run the truthful pipeline with the moving camera over one scene at 30000/1001 fps."""
    videos = folder / "videos"
    videos.mkdir(parents=True)
    scene = SCENES["flower.mp4"]
    path = videos / "flower.mp4"
    write_video(path, render(scene), Fraction(30000, 1001), crf=23)
    save_truth(path.with_name(path.name + ".truth.json"), truth(scene))
    workspace = Workspace.open(folder / "workspace", create=True)
    text = PIPELINE.replace("truthful_backends:Camera", "moving_camera:MovingCamera")
    pipeline = parse_pipeline(text, name="filmed")
    pipeline = pipeline.model_copy(update={"sources": (SourceConfig(path=str(videos)),)})
    run_pipeline(pipeline, workspace, engine=InProcessEngine())
    return workspace
