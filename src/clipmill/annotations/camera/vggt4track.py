"""Camera motion by VGGT4Track, the front end of SpatialTrackerV2 (Xiao et al., ICCV 2025)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import RUNTIME, Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.camera.from_poses import row_from_poses
from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.checkpoints import Checkpoint
from clipmill.annotations.optional import needed_from
from clipmill.errors import ClipError, UsageError
from clipmill.video import FrameSize

if TYPE_CHECKING:
    from clipmill.models.vggt4track.config import VGGTConfig

_WORKING_BYTES = 3 * 2**30  # activations of 60 wide frames, estimated; weights come on top


class VGGT4TrackConfig(BackendConfig):
    """Settings; the defaults are the published ones.

    Attributes:
        step: Frames from one sampled frame to the next.
        max_seconds: Look at this much of the clip only; the whole clip when None. The memory
            grows with the number of sampled frames, the time with its square.
        scaling: How frames become 518 pixels wide. `area`: by the decoder, which averages the
            pixels that each new one covers. `bicubic`: bit for bit as published, without
            antialiasing, and slower, as frames are decoded at their own size.
        device: Torch device; `auto` takes a GPU and refuses to go on without one.
        weights: Checkpoint file or folder used instead of the registry's.
    """

    step: int = Field(3, ge=1)
    max_seconds: float | None = Field(6.0, gt=0)
    scaling: Literal["area", "bicubic"] = "area"
    device: Annotated[str, RUNTIME] = "auto"
    weights: Annotated[str | None, RUNTIME] = None


@dataclass(frozen=True)
class SampledClip:
    """The network's input.

    Attributes:
        frames: T sampled frames, from the clip's start.
        images: uint8 [T, H, 518, 3], RGB.
        scale: Source pixels per pixel of `images`, x and y.
        source_size: Width and height of the video.
        name: The file, for messages.
        check: Deadline check.
    """

    frames: tuple[int, ...]
    images: npt.NDArray[np.uint8]
    scale: tuple[float, float]
    source_size: tuple[int, int]
    name: str
    check: Callable[[], None]


class VGGT4TrackCamera(Backend):
    """Poses and focal lengths of all sampled frames, estimated together by one network.

    Translations are in the network's own unit, about the mean distance of the scene. Clips are
    not batched: one clip's attention over all of its frames fills a GPU, and a row depends on
    its clip alone.

    The published camera scores are means over neighbouring samples: degrees of rotation, distance
    of the camera centres, change of the focal length. `rotation` and `translation` are the first
    two divided by the step, which leaves percentiles as they are. `zoom` is relative, |log| of
    the focal ratio, where the published score is a difference in pixels and so weighs the same
    zoom more at longer focal lengths; `focals` holds what is needed for that.
    """

    annotation = "camera"
    name = "vggt4track"
    version = 2
    Config = VGGT4TrackConfig
    Row = CameraRow
    needs = Needs(
        modules=("torch", "safetensors"),
        extra="frameino",
        gpu=True,
        weights=("vggt4track",),
        licence="Apache-2.0 (code), CC-BY-NC-4.0 (weights)",
        gpu_memory=7.4,  # what its loading checks: 4.4 of weights, `_WORKING_BYTES`
    )

    config: VGGT4TrackConfig
    _device: Any = None  # a torch.device once the model is there

    @classmethod
    def identity(cls, config: Any) -> dict[str, str]:
        """Name the network and the checksum of its weights."""
        return Checkpoint("vggt4track", weights=config.weights).identity()

    def setup(self) -> None:
        """Build the network on its device and fill it, strictly.

        Raises:
            MissingExtraError: Torch is not installed.
            UsageError: No GPU, too little of its memory, no weights, or unknown sizes.
            WeightsError: The checkpoint does not fit; the keys are named.
        """
        what = "camera backend 'vggt4track'"
        with needed_from("frameino", what=what):
            import torch

            from clipmill.models.device import check_memory, choose_device
            from clipmill.models.vggt4track.model import UNUSED_KEYS, VGGT4Track
        from clipmill.weights import load_state_dict

        path = Path(Checkpoint("vggt4track", weights=self.config.weights).locate()[0])
        self._device = choose_device(self.config.device, need_gpu=True, what=what)
        sizes = read_sizes(path)
        with torch.device("meta"):
            values = sum(value.numel() for value in VGGT4Track(sizes).state_dict().values())
        check_memory(self._device, needed_bytes=4 * values + _WORKING_BYTES, what=what)
        with self._device:
            self._model = VGGT4Track(sizes).eval().requires_grad_(False)
        load_state_dict(self._model, path, unused=UNUSED_KEYS)

    def load(self, item: ClipInput) -> SampledClip:
        """Decode the sampled frames and scale them, once."""
        from clipmill.models.device import pinned
        from clipmill.models.vggt4track.preprocess import crop_rows, input_size

        probe = item.probe
        if probe is None:
            raise ClipError(f"{item.video.uri}: the camera step needs the probe's facts")
        width, height = input_size(probe.width, probe.height)
        rows = crop_rows(height)
        by_decoder = self.config.scaling == "area"
        size = FrameSize(width, height) if by_decoder else FrameSize(probe.width, probe.height)
        length = item.clip.num_frames
        if self.config.max_seconds is not None and probe.fps > 0:
            length = max(1, min(length, int(self.config.max_seconds * probe.fps)))
        # a clip of two or three frames still has a neighbour to compare with
        step = min(self.config.step, max(1, length - 1))
        start = item.clip.start
        frames: list[int] = []
        images: list[npt.NDArray[np.uint8]] = []
        with item.open() as reader:
            for frame in reader.stream(start, start + length, sizes={"work": size}, step=step):
                image = frame.images["work"]
                frames.append(frame.index - start)
                images.append(image[rows].copy() if by_decoder else _scale(image))
        if not frames:
            raise ClipError(f"{item.video.uri}: no frame of {item.clip.clip_id} could be decoded")
        return SampledClip(
            frames=tuple(frames),
            images=pinned(np.stack(images), self._device),
            scale=(probe.width / width, probe.height / height),
            source_size=(probe.width, probe.height),
            name=item.video.relative_path or item.video.uri,
            check=item.check,
        )

    def annotate(self, batch: Sequence[SampledClip]) -> Sequence[CameraRow]:
        """Estimate the cameras of each clip."""
        return [self._annotate_one(clip) for clip in batch]

    def _annotate_one(self, clip: SampledClip) -> CameraRow:
        from clipmill.models.device import autocast, inference, sent
        from clipmill.models.vggt4track.pose import focal_lengths, world_to_camera

        images = sent(clip.images, self._device)
        with inference(), autocast(self._device):
            frames = images.permute(0, 3, 1, 2).float() / 255
            encoding = self._model(frames[None], on_layer=clip.check)[0].cpu().double()
            height, width = clip.images.shape[1:3]
            focals = focal_lengths(encoding, width=width, height=height).numpy()
            poses = world_to_camera(encoding).numpy()
        return row_from_poses(
            clip.frames,
            poses,
            focals * np.array(clip.scale),
            width=clip.source_size[0],
            height=clip.source_size[1],
            name=clip.name,
        )


def _scale(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Scale a frame uint8 [H, W, 3] as published."""
    import torch

    from clipmill.models.vggt4track.preprocess import resize

    small = resize(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
    return small.permute(1, 2, 0).contiguous().numpy()


def read_sizes(path: Path) -> "VGGTConfig":
    """Return the sizes of the network in a checkpoint.

    They are the published ones, unless the checkpoint is a folder whose `config.json` holds
    others under the key `vggt4track`.

    Raises:
        UsageError: The file is no JSON, or holds a size that there is not.
    """
    from clipmill.models.vggt4track.config import VGGTConfig

    file = path / "config.json"
    if not file.is_file():
        return VGGTConfig()
    try:
        content = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise UsageError(f"{file} is no JSON: {error}") from error
    sizes = content.get("vggt4track", {}) if isinstance(content, dict) else {}
    try:
        return VGGTConfig.from_mapping(sizes)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
