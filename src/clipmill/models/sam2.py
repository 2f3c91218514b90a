"""SAM 2 (Ravi et al., 2024) over a stream of frames, with bounded memory.

The library keeps every frame and every output of a session. Only what the network can still look
at is kept here: the memories of the last frames and of the prompt. Objects prompted at different
frames are different sessions; they share the image encoder's features of a frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from transformers import Sam2VideoInferenceSession, Sam2VideoModel

from clipmill.models.batching import too_large
from clipmill.models.device import autocast, inference
from clipmill.models.pretrained import load_model
from clipmill.models.sam2_sessions import halves, new_session

_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

Points = npt.NDArray[np.floating[Any]]


@dataclass
class Prompted:
    """Objects that are prompted at one frame and carried in one direction of time.

    Attributes:
        frame: Frame of the prompt.
        last: Last frame to carry them to, inclusive; before `frame` when carried backwards.
        points: One [N, 2] array per object, x, y as shares of the picture's width and height;
            N >= 1.
        sessions: The library's state, made at the first frame; several, each of some of the
            objects in order, when they do not fit into memory together.
    """

    frame: int
    last: int
    points: Sequence[Points]
    sessions: list[Sam2VideoInferenceSession] = field(default_factory=list)

    @property
    def reverse(self) -> bool:
        """Whether frames come in descending order."""
        return self.last < self.frame

    def covers(self, frame: int) -> bool:
        """Whether a frame lies between the prompt and the last frame, both included."""
        return min(self.frame, self.last) <= frame <= max(self.frame, self.last)


class VideoMasker:
    """A checkpoint on a device.

    Args:
        location: Folder or hub name.
        revision: Of the hub repository.
        device: Where it runs.
    """

    def __init__(self, location: str, *, revision: str | None, device: torch.device) -> None:
        self.model: Any = load_model(Sam2VideoModel, location, revision=revision, device=device)
        self.device = device
        config = self.model.config
        self.side = _square(config.image_size)
        self._memories = max(config.num_maskmem, 1)
        self._pointers = max(config.max_object_pointers_in_encoder, self._memories)
        self._mean = torch.tensor(_MEAN, device=device).view(3, 1, 1)
        self._std = torch.tensor(_STD, device=device).view(3, 1, 1)

    def step(
        self,
        frame: int,
        picture: npt.NDArray[np.uint8],
        groups: Sequence[Prompted],
        *,
        size: tuple[int, int],
    ) -> Mapping[int, list[npt.NDArray[np.bool_]]]:
        """Carry all groups to the next frame.

        Args:
            frame: Its number; frames must come without gaps in a group's direction.
            picture: uint8 [side, side, 3], RGB: the whole picture, squeezed into the square.
            groups: All of one direction; those that do not cover the frame are left out.
            size: (height, width) of the masks.

        Returns:
            Number of the group -> one bool [height, width] per object.

        Raises:
            TooLargeError: Not even one object at a time fits into memory.
        """
        masks: dict[int, list[npt.NDArray[np.bool_]]] = {}
        features: Any = None
        with inference(), autocast(self.device):
            pixels = self._pixels(picture)
            for number, group in enumerate(groups):
                if not group.covers(frame):
                    continue
                if not group.sessions:
                    group.sessions = [self._begin(group)]
                found, features = self._carry(group, frame, pixels, features)
                masks[number] = [mask for logits in found for mask in _to_size(logits, size)]
        return masks

    def _carry(
        self, group: Prompted, frame: int, pixels: torch.Tensor, features: Any
    ) -> tuple[list[torch.Tensor], Any]:
        """Carry a group to a frame, in halves where it does not fit into memory.

        Returns:
            Mask logits [O, 1, h, w] of each session, and the features of the frame.
        """
        found, done, waiting = [], [], list(group.sessions)
        while waiting:
            session = waiting.pop(0)
            fresh = set(session.obj_with_new_inputs)
            if features is not None:
                session.cache.cache_vision_features(frame, features)
            try:
                output = self.model(session, frame=pixels, frame_idx=frame, reverse=group.reverse)
            except torch.OutOfMemoryError as error:
                if session.get_obj_num() == 1:
                    raise too_large("SAM 2 with one object", error) from error
                output = None
            if output is None:
                waiting[:0] = halves(session, frame=frame, fresh=fresh)
                del session
                torch.cuda.empty_cache()
                continue
            features = session.cache.get_vision_features(frame)
            self._forget(session, frame)
            found.append(output.pred_masks)
            done.append(session)
        group.sessions = done
        return found, features

    def _pixels(self, picture: npt.NDArray[np.uint8]) -> torch.Tensor:
        values = torch.from_numpy(np.ascontiguousarray(picture)).to(self.device)
        return (values.permute(2, 0, 1).float() / 255 - self._mean) / self._std

    def _begin(self, group: Prompted) -> Sam2VideoInferenceSession:
        session = new_session(self.side, self.device)
        for number, points in enumerate(group.points):
            # The prompt encoder adds half a pixel, as whole numbers are pixel centres to it.
            coordinates = torch.as_tensor(points, dtype=torch.float32)[None, None] * self.side - 0.5
            session.add_point_inputs(
                session.obj_id_to_idx(number),
                group.frame,
                {
                    "point_coords": coordinates,
                    "point_labels": torch.ones(1, 1, len(points), dtype=torch.int32),
                },
            )
        session.obj_with_new_inputs = list(range(len(group.points)))
        return session

    def _forget(self, session: Sam2VideoInferenceSession, frame: int) -> None:
        """Drop what the network cannot look at any more."""
        assert session.processed_frames is not None
        session.processed_frames.pop(frame, None)
        for number, outputs in session.output_dict_per_obj.items():
            session.frames_tracked_per_obj[number].clear()
            carried = outputs["non_cond_frame_outputs"]
            for stored in (*outputs["cond_frame_outputs"].values(), *carried.values()):
                stored.pop("high_res_masks", None)
                stored.pop("pred_masks", None)
            for index in list(carried):
                if abs(frame - index) >= self._pointers:
                    del carried[index]
                elif abs(frame - index) >= self._memories:
                    carried[index].pop("maskmem_features", None)
                    carried[index].pop("maskmem_pos_enc", None)


def _square(size: Any) -> int:
    return int(size if isinstance(size, int) else size[0])


def _to_size(logits: torch.Tensor, size: tuple[int, int]) -> list[npt.NDArray[np.bool_]]:
    """Return mask logits [O, 1, h, w] as masks of the wanted size."""
    scaled = F.interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)
    return list((scaled[:, 0] > 0).cpu().numpy())
