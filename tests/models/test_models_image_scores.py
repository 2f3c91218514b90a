"""CRAFT, CLIP-IQA+ and NIMA against outputs of the published networks with formula weights.

The goldens were made with EasyOCR 1.7.2, pyiqa 0.1.16, timm 1.0.31, torch 2.13.0.
"""

import hashlib

import numpy as np
import pytest
from golden_weights import GOLDENS, filled

torch = pytest.importorskip("torch", reason="needs the extra 'models'")

from clipmill.models.image_scores.clip_iqa import ClipModel  # noqa: E402
from clipmill.models.image_scores.craft import Craft  # noqa: E402
from clipmill.models.image_scores.nima import NimaNetwork, middle_of  # noqa: E402


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDENS / name) as file:
        return dict(file)


def fill(network: torch.nn.Module, *, gain: float) -> torch.nn.Module:
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    weights = filled(shapes, gain=gain)
    state = {key: torch.from_numpy(np.asarray(value)) for key, value in weights.items()}
    network.load_state_dict(state)
    return network.eval()


def names_of(network: torch.nn.Module) -> str:
    """Hash of the names and shapes of all weights, as in the checkpoint."""
    lines = (f"{key} {list(v.shape)}" for key, v in sorted(network.state_dict().items()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def floats(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def test_craft_gives_the_maps_of_the_published_network():
    known = golden("craft.npz")
    network = fill(Craft(), gain=2**0.5)
    assert names_of(network) == str(known["names"])
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pictures = (floats(known["pictures"]) - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    with torch.inference_mode():
        maps = network(pictures).numpy()
    assert known["maps"].std() > 1
    np.testing.assert_allclose(maps, known["maps"], rtol=1e-4, atol=2e-5)


def test_nima_gives_the_scores_of_the_published_network():
    known = golden("nima.npz")
    network = fill(NimaNetwork(), gain=2**0.5)
    assert names_of(network) == str(known["names"])
    pictures = floats(known["pictures"])
    with torch.inference_mode():
        features = network.base_model(middle_of(pictures) * 2 - 1).mean((2, 3)).numpy()
        scores = network(pictures).numpy()
    np.testing.assert_allclose(features[:, ::16], known["features"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(scores, known["scores"], rtol=1e-5)


@pytest.mark.parametrize("size", [(299, 299), (100, 163), (163, 100), (300, 301)])
def test_nima_sees_the_middle_square(size):
    assert middle_of(torch.rand(2, 3, *size)).shape == (2, 3, 299, 299)


def test_clip_keeps_the_names_of_the_published_checkpoint_and_finds_its_prompts():
    import json

    known = golden("clip_iqa_reduced.npz")
    shapes = json.loads((GOLDENS / "clip_iqa_reduced.manifest.json").read_text("utf-8"))
    clip = fill(ClipModel({key: tuple(shape) for key, shape in shapes.items()}), gain=1.0)
    assert names_of(clip) == str(known["names"])
    for value in clip.parameters():
        value.data = value.data.half().float()
    words = torch.from_numpy(filled({"prompt_learner.ctx": (2, 16, 64)})["prompt_learner.ctx"])
    with torch.inference_mode():
        prompts = clip.prompt_vectors(words).numpy()
    np.testing.assert_allclose(prompts, known["prompts"], rtol=1e-4, atol=1e-6)
