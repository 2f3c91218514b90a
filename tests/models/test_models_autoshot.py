"""AutoShot against outputs of the published network with the same formula weights."""

import numpy as np
import pytest
from golden_weights import GOLDENS, filled, manifest_shapes

torch = pytest.importorskip("torch", reason="needs the extra 'models'")

from clipmill.models.autoshot import UNUSED, AutoShot, FusedAutoShot  # noqa: E402
from clipmill.models.autoshot.blocks import BLOCKS  # noqa: E402
from clipmill.models.autoshot.similarity import (  # noqa: E402
    colour_histograms,
    neighbour_similarity,
)
from clipmill.models.autoshot.strips import pair  # noqa: E402

TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDENS / "autoshot.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def state() -> dict:
    shapes = manifest_shapes(GOLDENS / "autoshot.manifest.json")
    weights = filled(shapes, gain=2**0.5)
    return {key: torch.from_numpy(np.asarray(value)) for key, value in weights.items()}


@pytest.fixture(scope="module")
def network(state) -> AutoShot:
    network = AutoShot().eval()
    network.load_state_dict({key: value for key, value in state.items() if key not in UNUSED})
    return network


def test_the_keys_are_the_published_ones(state, network) -> None:
    own = {key: value.shape for key, value in network.state_dict().items()}
    assert own == {key: value.shape for key, value in state.items() if key not in UNUSED}
    assert state.keys() >= UNUSED


def test_every_block_gives_the_published_values(network, golden) -> None:
    seen = {}
    handles = [
        network.block(spec).register_forward_hook(
            lambda _m, _i, out, name=spec.name: seen.__setitem__(name, torch.relu(out)[0].numpy())
        )
        for spec in BLOCKS
    ]
    handles += [
        module.register_forward_hook(
            lambda _m, _i, out, name=name: seen.__setitem__(name, out.numpy())
        )
        for name, module in (
            ("color_hist", network.color_hist_layer),
            ("frame_sim", network.frame_sim_layer),
        )
    ]
    with torch.inference_mode():
        one_hot, many_hot = network(torch.from_numpy(golden["input_u8"])[None])
    for handle in handles:
        handle.remove()
    for spec in BLOCKS:
        values = seen[spec.name]
        np.testing.assert_allclose(values.mean((2, 3)), golden[f"mean_hw_{spec.name}"], **TOLERANCE)
        np.testing.assert_allclose(
            values[:8, ::20, 1, ::5], golden[f"slice_{spec.name}"], **TOLERANCE
        )
    for name in ("color_hist", "frame_sim"):
        np.testing.assert_allclose(seen[name], golden[name], **TOLERANCE)
    np.testing.assert_allclose(one_hot.numpy(), golden["one_hot"], **TOLERANCE)
    np.testing.assert_allclose(many_hot.numpy(), golden["many_hot"], **TOLERANCE)


def test_the_fused_network_gives_the_same(network, golden) -> None:
    fused = FusedAutoShot(network)
    window = torch.from_numpy(golden["input_u8"])
    with torch.inference_mode():
        alone = fused(window[None]).numpy()
        together = fused(torch.stack([window.flip(0), window])).numpy()
    np.testing.assert_allclose(alone[..., None], golden["one_hot"], **TOLERANCE)
    np.testing.assert_allclose(together[1:, :, None], golden["one_hot"], **TOLERANCE)
    assert np.abs(together[0] - together[1]).max() > 0.01


@pytest.mark.parametrize("strips", [2, 4, 13])
@pytest.mark.parametrize("height", [26, 27])
def test_strips_of_the_picture_give_the_whole(network, strips: int, height: int) -> None:
    first, second = FusedAutoShot(network).blocks[:2]
    values = torch.rand(1, 4, height, 6, 3, generator=torch.manual_seed(0))
    with torch.inference_mode():
        whole = pair(first, second, values, strips=1)
        parts = pair(first, second, values, strips=strips)
    assert whole.shape == (1, 4, 13, 3, 64)
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-5)


def test_frames_are_compared_with_their_neighbours_only() -> None:
    features = torch.eye(4).repeat(1, 30, 1)  # frame t is like frame t + 4, and no other
    table = neighbour_similarity(features)
    assert table.shape == (1, 120, 101)
    for t, j in ((0, 50), (0, 54), (60, 2), (60, 50), (60, 98), (119, 46)):
        assert table[0, t, j] == 1, (t, j)
    assert table[0, 60, 51] == 0
    assert table[0, 0, :50].eq(0).all()  # frames before the window
    assert table[0, 119, 51:].eq(0).all()  # frames behind it


def test_colours_are_counted_by_their_three_high_bits() -> None:
    frames = torch.zeros(1, 2, 2, 2, 3, dtype=torch.uint8)
    frames[0, 1] = torch.tensor([255, 32, 31])
    counts = colour_histograms(frames)
    assert counts[0, 0, 0] == counts.sum() / 2 == 4
    assert counts[0, 1, 7 * 64 + 1 * 8 + 0] == 4
