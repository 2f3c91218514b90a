"""Backend `cotracker3`: CoTracker3 offline, from the anchor on and back again.

Code and weights are CC-BY-NC 4.0. The published pipeline's rules, with three differences: places
stay sub-pixel (it cuts queries and tracks to whole pixels of a 512 x 384 picture, up to 2.5 source
pixels at 720p), the tracker sees the frames from the anchor to its horizon only, and the cycle
error is stored in source pixels, while the limit is applied, as there, in the tracker's picture.
"""

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from clipmill.annotations.base import RUNTIME, BackendConfig, Needs
from clipmill.annotations.checkpoints import hash_of
from clipmill.annotations.optional import needed_from
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.annotations.tracks.schema import ObjectTracks
from clipmill.annotations.tracks.windowed import WindowedClip, WindowedTracks
from clipmill.annotations.tracks.windows import (
    AnchorObjects,
    pack_object,
    to_source,
    to_working,
)
from clipmill.errors import ClipError
from clipmill.store.codecs import decode_array
from clipmill.video import FrameSize
from clipmill.vision.arrays import Flags, Floats

WIDTH, HEIGHT = 512, 384


class CoTracker3TracksConfig(BackendConfig):
    """Settings of the backend; the published pipeline's by default."""

    repo: Annotated[str | None, RUNTIME] = Field(
        None, description="Folder with the code; the registry's `cotracker3-code` when None."
    )
    weights: Annotated[str | None, RUNTIME] = Field(
        None, description="Checkpoint file, placed by hand; the registry's when None."
    )
    device: Annotated[str, RUNTIME] = Field("auto", description="auto, cuda, cuda:N, mps or cpu.")
    horizon: int = Field(170, ge=1, description="Frames to follow after the anchor.")
    min_frames_after: int = Field(
        50, ge=0, description="An anchor must leave more frames than this, itself included."
    )
    max_cycle_error: float = Field(
        0.04, gt=0, description="Miss of a surviving point, share of the height, inclusive."
    )


class CoTracker3Tracks(WindowedTracks):
    """Follows the query points of all objects of an anchor together."""

    name: ClassVar[str] = "cotracker3"
    version: ClassVar[int] = 1
    Config: ClassVar[type[BackendConfig]] = CoTracker3TracksConfig
    needs: ClassVar[Needs] = Needs(
        modules=("torch",),
        extra="frameino",
        gpu=True,
        weights=("cotracker3", "cotracker3-code"),
        licence="CC-BY-NC-4.0 (CoTracker3 code and weights: non-commercial)",
        gpu_memory=1.2,  # what its loading checks: weights and the smallest call
    )
    config: CoTracker3TracksConfig

    @classmethod
    def identity(cls, config: CoTracker3TracksConfig) -> dict[str, str]:
        """Name the commit of the code and the checksum of the weights."""
        from pathlib import Path

        from clipmill.weights import find_spec, weights_identity

        commit = find_spec("cotracker3-code").revision or ""
        code = hash_of(Path(config.repo)) if config.repo else commit
        if config.weights:
            return {"model": "CoTracker3", "code": code, "sha256": hash_of(Path(config.weights))}
        return {"model": "CoTracker3", "code": code} | weights_identity("cotracker3")

    def setup(self) -> None:
        """Load code and weights."""
        what = f"tracks backend '{self.name}'"
        with needed_from(self.needs.extra, what=what):
            from clipmill.models.cotracker import Tracker, load_cotracker
            from clipmill.models.device import choose_device
        from clipmill.weights import find_weights, load_state_dict

        device = choose_device(self.config.device, need_gpu=self.needs.gpu, what=what)
        repo = self.config.repo or str(find_weights("cotracker3-code"))
        predictor: Any = load_cotracker(repo)
        weights = self.config.weights or find_weights("cotracker3")
        load_state_dict(predictor.model, weights)
        self._tracker = Tracker(predictor, device=device)

    def frame_size(self, probe: ProbeRow) -> FrameSize:
        """Return the picture that the tracker was trained on, whatever the video's shape."""
        return FrameSize(WIDTH, HEIGHT)

    def follow(self, clip: WindowedClip, anchor: AnchorObjects) -> list[ObjectTracks]:
        """Follow all points of an anchor in one call."""
        import torch

        clip.check()
        scale = np.array([clip.source_size[0] / WIDTH, clip.source_size[1] / HEIGHT])
        queries = [
            to_working(decode_array(found.points).astype(np.float64).reshape(-1, 2), scale)
            for found in anchor.objects
        ]
        asked = np.concatenate(queries)
        if not len(asked):
            return []
        frames = np.stack([clip.frames[t] for t in range(anchor.index, anchor.last + 1)])
        tracks, visible, home = self._tracker.there_and_back(
            torch.from_numpy(frames).permute(0, 3, 1, 2),
            torch.from_numpy(asked.astype(np.float32)),
        )
        clip.check()
        if not (torch.isfinite(tracks).all() and torch.isfinite(home).all()):
            raise ClipError(
                f"CoTracker3 gave tracks that are no numbers for the anchor at {anchor.index}"
            )
        ends = np.cumsum([len(points) for points in queries])
        entries = []
        for found, own, end in zip(anchor.objects, queries, ends, strict=True):
            here = slice(end - len(own), end)
            miss = home[here].numpy().astype(np.float64) - own
            entries.append(
                pack_object(
                    found,
                    anchor=anchor.index,
                    points=to_source(tracks[:, here].numpy().astype(np.float64), scale),
                    visible=visible[:, here].numpy(),
                    error=np.linalg.norm(miss * scale, axis=1),
                    survived=comes_home(miss, max_share=self.config.max_cycle_error),
                    size=clip.source_size,
                    background=clip.background,
                )
            )
        return entries


def comes_home(miss: Floats, *, max_share: float) -> Flags:
    """Return which points survive.

    Args:
        miss: [N, 2], how far the way there and back ends from its beginning, in pixels of the
            tracker's picture.
        max_share: Most that may be missed, share of the picture's height, inclusive.

    Returns:
        bool [N].
    """
    return np.asarray(np.linalg.norm(miss, axis=1) <= max_share * HEIGHT)
