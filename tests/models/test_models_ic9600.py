"""ICNet against outputs of the published network with the same formula weights."""

import copy

import numpy as np
import pytest
from golden_weights import GOLDENS, filled, manifest_shapes

torch = pytest.importorskip("torch", reason="needs the extra 'models'")

from clipmill.models.folding import fold_batch_norms  # noqa: E402
from clipmill.models.ic9600 import ICNet  # noqa: E402

TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDENS / "icnet.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def network() -> ICNet:
    weights = filled(manifest_shapes(GOLDENS / "icnet.manifest.json"), gain=2**0.5)
    network = ICNet().eval()
    network.load_state_dict(
        {key: torch.from_numpy(np.asarray(value)) for key, value in weights.items()}
    )
    return network


def test_scores_maps_and_what_lies_between_are_the_published_ones(network, golden) -> None:
    seen = {}
    names = [key.removeprefix("mean_hw_") for key in golden if key.startswith("mean_hw_")]
    handles = [
        network.get_submodule(name).register_forward_hook(
            lambda _m, _i, out, name=name: seen.__setitem__(name, out.mean((2, 3)).numpy())
        )
        for name in names
    ]
    with torch.inference_mode():
        score, complexity = network(torch.from_numpy(golden["images_u8"]))
    for handle in handles:
        handle.remove()
    assert len(names) == 11
    for name in names:
        # relative to the largest value: single channels are all but switched off
        largest = np.abs(golden[f"mean_hw_{name}"]).max()
        np.testing.assert_allclose(
            seen[name] / largest, golden[f"mean_hw_{name}"] / largest, atol=3e-4, err_msg=name
        )
    np.testing.assert_allclose(score.numpy(), golden["score_b2"], **TOLERANCE)
    np.testing.assert_allclose(complexity.numpy(), golden["map_b2"], **TOLERANCE)


def test_the_score_alone_is_the_same(network, golden) -> None:
    pictures = torch.from_numpy(golden["images_u8"])
    fast = copy.deepcopy(network).to(memory_format=torch.channels_last)
    fold_batch_norms(fast)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fast.modules())
    with torch.inference_mode():
        np.testing.assert_allclose(fast.score(pictures).numpy(), golden["score_b2"], **TOLERANCE)
        alone = fast.score(pictures[:1]).numpy()
        np.testing.assert_allclose(alone, golden["score_b1"][None], **TOLERANCE)
