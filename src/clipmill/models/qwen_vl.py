"""Qwen2.5-VL (Bai et al., 2025) as a writer of captions for a few frames of a video.

The frames go in as a video, two of them per step of time, and the true seconds of a step go to the
rotary positions: with the library's defaults the model believes in two frames per second. Frames
are cut into patches here, since the library's video processor needs torchvision; for two equal
frames the patches are those of its image processor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

from clipmill.models.device import inference
from clipmill.models.pretrained import load_model, load_part

VIDEO, START, END = "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"
_TURN = "<|im_start|>{role}\n{text}<|im_end|>\n"
_SYSTEM = "You are a helpful assistant."


@dataclass(frozen=True)
class Shown:
    """Frames and what is asked about them.

    Attributes:
        pictures: uint8 [N, H, W, 3], RGB, N >= 1.
        times: N seconds, ascending.
        prompt: The question.
    """

    pictures: npt.NDArray[np.uint8]
    times: Sequence[float]
    prompt: str


@dataclass(frozen=True)
class Written:
    """An answer; `cut` when it ran out of tokens."""

    text: str
    cut: bool


@dataclass(frozen=True)
class PatchBatch:
    """A video as the vision network takes it.

    Attributes:
        values: float32 [t * h * w, C * 2 * p * p].
        grid: t, h, w: steps of time, rows and columns of patches.
        step_seconds: Seconds from one step of time to the next.
    """

    values: torch.Tensor
    grid: tuple[int, int, int]
    step_seconds: float


class VideoCaptioner:
    """A checkpoint on a device.

    Args:
        location: Folder or hub name.
        revision: Of the hub repository.
        device: Where it runs; bfloat16 on a GPU, float32 on a CPU.
    """

    def __init__(self, location: str, *, revision: str | None, device: torch.device) -> None:
        self.processor = load_part(AutoImageProcessor, location, revision=revision, backend="pil")
        self.tokenizer = load_part(AutoTokenizer, location, revision=revision)
        dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        self.model = load_model(
            AutoModelForImageTextToText, location, revision=revision, device=device, dtype=dtype
        )
        self.device = device

    def write(self, shown: Sequence[Shown], *, max_tokens: int) -> list[Written]:
        """Answer several questions in one call, each with its most likely words."""
        patches = [self.patches(item) for item in shown]
        texts = [self._text(item.prompt, video) for item, video in zip(shown, patches, strict=True)]
        tokens = self.tokenizer(texts, return_tensors="pt", padding=True, padding_side="left")
        ids = tokens["input_ids"]
        video_id = self.tokenizer.convert_tokens_to_ids(VIDEO)
        with inference():
            output = self.model.generate(
                input_ids=ids.to(self.device),
                attention_mask=tokens["attention_mask"].to(self.device),
                # 2 marks the places of a video, 0 text.
                mm_token_type_ids=(2 * (ids == video_id).int()).to(self.device),
                pixel_values_videos=torch.cat([v.values for v in patches]).to(self.device),
                video_grid_thw=torch.tensor([v.grid for v in patches], device=self.device),
                second_per_grid_ts=torch.tensor(
                    [v.step_seconds for v in patches], device=self.device
                ),
                max_new_tokens=max_tokens,
                do_sample=False,
            )
        return [self._written(row[ids.shape[1] :]) for row in output]

    def _text(self, prompt: str, video: PatchBatch) -> str:
        steps, rows, columns = video.grid
        places = steps * rows * columns // self.processor.merge_size**2
        asked = f"{START}{VIDEO * places}{END}{prompt}"
        return (
            _TURN.format(role="system", text=_SYSTEM)
            + _TURN.format(role="user", text=asked)
            + "<|im_start|>assistant\n"
        )

    def _written(self, tokens: torch.Tensor) -> Written:
        ends = self.model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        cut = not any(token in ends for token in tokens.tolist())
        return Written(self.tokenizer.decode(tokens, skip_special_tokens=True), cut)

    def pixels(self, shape: tuple[int, int, int]) -> int:
        """Return what the network gets to see of N frames of H x W: frames x pixels, as resized.

        A token stands for 2 x 28 x 28 of them.

        Args:
            shape: N, H, W.
        """
        count, height, width = shape
        pair, side = self.processor.temporal_patch_size, self.processor.patch_size
        patches = int(self.processor.get_number_of_image_patches(height, width))
        return (count + -count % pair) * patches * side**2

    def patches(self, item: Shown) -> PatchBatch:
        """Cut frames into patches; an odd last frame is shown twice, as the model wants pairs."""
        processor = self.processor
        size, merge = processor.patch_size, processor.merge_size
        pair = processor.temporal_patch_size
        single = processor(images=list(item.pictures), return_tensors="pt")
        grids = single["image_grid_thw"].tolist()
        _, rows, columns = grids[0]
        # The image processor shows every frame as `pair` equal ones: one of them is enough.
        frames = single["pixel_values"].reshape(len(grids), rows * columns, 3, pair, size, size)
        frames = frames[:, :, :, 0]
        missing = -len(frames) % pair
        frames = torch.cat([frames, frames[-1:].expand(missing, *frames.shape[1:])])
        steps = len(frames) // pair
        video = frames.reshape(steps, pair, rows * columns, 3, size, size).permute(0, 2, 3, 1, 4, 5)
        assert rows % merge == columns % merge == 0
        return PatchBatch(
            values=video.reshape(steps * rows * columns, -1).contiguous(),
            grid=(steps, rows, columns),
            step_seconds=pair * _mean_gap(item.times),
        )


def _mean_gap(times: Sequence[float]) -> float:
    """Return the mean distance of the frames in seconds; 1 for a single frame, which has none."""
    return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 1.0
