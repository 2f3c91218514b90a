"""CLIP-IQA+ (Wang, Chan and Loy, AAAI 2023): is it nearer to a good photo than to a bad one?

Pictures are compared with two texts, "good photo" and "bad photo" among learned words.
Own definition: the published implementations bring a second build of OpenCV that needs a display.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.image_scores.clip_resnet import ClipResNet
from clipmill.models.image_scores.clip_text import TextTransformer

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)

_BEGIN, _END = 49406, 49407
_PROMPTS = ((886, 1125, 852), (2103, 1125, 852))
"""CLIP's tokens of "good photo.." and "bad photo..", between the halves of the learned words."""


class ClipModel(nn.Module):
    """CLIP with a ResNet, under the names of the published checkpoint.

    Args:
        shapes: Shapes of its weights by name, from which its sizes follow.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        vocabulary, width = shapes["token_embedding.weight"]
        outputs = shapes["text_projection"][1]
        self.visual = ClipResNet(
            [_count(shapes, f"visual.layer{stage}.") for stage in (1, 2, 3, 4)],
            width=shapes["visual.conv3.weight"][0],
            places=shapes["visual.attnpool.positional_embedding"][0] - 1,
            outputs=outputs,
        )
        self.transformer = TextTransformer(width, _count(shapes, "transformer.resblocks."))
        self.token_embedding = nn.Embedding(vocabulary, width)
        length = shapes["positional_embedding"][0]
        self.positional_embedding = nn.Parameter(torch.empty(length, width))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, outputs))
        self.logit_scale = nn.Parameter(torch.empty([]))

    def prompt_vectors(self, words: Tensor) -> Tensor:
        """Return the vectors of the good and the bad photo, float32 [2, outputs], length 1.

        Args:
            words: Learned words of both, float32 [2, N, width].
        """
        vectors = torch.stack([self._around(prompt, words[n]) for n, prompt in enumerate(_PROMPTS)])
        # Nothing sees what comes after it, so the padding behind the end is left out.
        vectors = vectors + self.positional_embedding[: vectors.shape[1]]
        last = self.ln_final(self.transformer(vectors))[:, -1]
        return functional.normalize(last @ self.text_projection, dim=-1, eps=0.0)

    def _around(self, prompt: tuple[int, ...], words: Tensor) -> Tensor:
        """Put the learned words around a prompt: half before, half behind it."""
        half = len(words) // 2
        device = words.device
        begin = self.token_embedding(torch.tensor([_BEGIN], device=device))
        inner = self.token_embedding(torch.tensor(prompt, device=device))
        end = self.token_embedding(torch.tensor([_END], device=device))
        return torch.cat([begin, words[:half], inner, words[half:], end])


def _count(shapes: Mapping[str, tuple[int, ...]], front: str) -> int:
    return len(
        {name.removeprefix(front).split(".")[0] for name in shapes if name.startswith(front)}
    )


class ClipIqaNetwork(nn.Module):
    """Pictures in, how good they look out. The texts are computed once, not for every picture.

    Args:
        clip: CLIP.
        words: Learned words, float32 [2, N, width of the text].
    """

    mean: Tensor
    deviation: Tensor
    prompts: Tensor
    scale: Tensor

    def __init__(self, clip: ClipModel, words: Tensor) -> None:
        super().__init__()
        with torch.no_grad():
            self.register_buffer("prompts", clip.prompt_vectors(words))
            self.register_buffer("scale", clip.logit_scale.exp())
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1))
        self.visual = clip.visual

    def forward(self, pictures: Tensor) -> Tensor:
        """Map RGB pictures in [0, 1], float32 [B, 3, H, W], to [B], in [0, 1]."""
        vectors = self.visual((pictures - self.mean) / self.deviation)
        vectors = vectors / vectors.norm(dim=-1, keepdim=True)
        likeness = self.scale * vectors @ self.prompts.to(vectors.dtype).t()
        return likeness.softmax(dim=-1)[:, 0]
