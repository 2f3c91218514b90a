"""State of SAM 2's objects: new, and shared out when it does not fit into memory together."""

from collections.abc import Collection

import torch
from transformers import Sam2VideoInferenceSession


def new_session(side: int, device: torch.device) -> Sam2VideoInferenceSession:
    """Return a session without objects, for square frames that are `side` pixels wide."""
    return Sam2VideoInferenceSession(
        video_height=side,
        video_width=side,
        inference_device=device,
        inference_state_device=device,
        video_storage_device=device,
        dtype=torch.float32,
    )


def halves(
    session: Sam2VideoInferenceSession, *, frame: int, fresh: Collection[int]
) -> list[Sam2VideoInferenceSession]:
    """Share the objects of a session out to two, as they were before a frame that failed.

    The network looks at every object by itself, so the masks stay the same.

    Args:
        session: With two objects or more; not to be used any more.
        frame: What was stored for it is forgotten, as a part of the objects only has it.
        fresh: Objects whose prompt the network had not seen before that frame.
    """
    numbers = list(session.obj_ids)
    middle = len(numbers) // 2
    assert isinstance(session.inference_device, torch.device)
    parts = []
    for own in (numbers[:middle], numbers[middle:]):
        part = new_session(session.video_height, session.inference_device)
        for number in own:
            old, new = session.obj_id_to_idx(number), part.obj_id_to_idx(number)
            part.point_inputs_per_obj[new] = session.point_inputs_per_obj[old]
            part.output_dict_per_obj[new] = session.output_dict_per_obj[old]
            for stored in part.output_dict_per_obj[new].values():
                stored.pop(frame, None)
        part.obj_with_new_inputs = [number for number in own if number in fresh]
        parts.append(part)
    return parts
