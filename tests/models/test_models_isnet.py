"""IS-Net with its real weights, against a plain run of the published graph."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from skimage import data

from clipmill.errors import UsageError
from clipmill.models.isnet import IsNet


@pytest.fixture(scope="module")
def person() -> np.ndarray:
    """Photograph of a person in front of things, uint8 [512, 512, 3]."""
    return data.astronaut()


@pytest.fixture(scope="module")
def network(isnet: Path) -> IsNet:
    return IsNet(isnet)


@pytest.fixture(scope="module")
def foreground(network: IsNet, person: np.ndarray) -> np.ndarray:
    return network(person)


def test_the_mask_is_that_of_the_published_graph(isnet: Path, network: IsNet, person: np.ndarray):
    picture = cv2.resize(person, (1024, 1024))
    session = onnxruntime.InferenceSession(isnet, providers=["CPUExecutionProvider"])
    values = (picture.astype(np.float32) - 128) / 256
    (published,) = session.run(["output"], {"input": values.transpose(2, 0, 1)[None]})
    # The published graph rounds to half precision around its upsamplings, this one does not.
    assert np.abs(network(picture) - published[0, 0]).max() < 2e-3


def test_the_person_is_found(foreground: np.ndarray):
    assert foreground.shape == (512, 512)
    assert foreground.dtype == np.float32
    assert 0 <= foreground.min() < 0.01
    assert 0.99 < foreground.max() <= 1
    sure = foreground > 0.5
    assert sure[60:160, 190:260].mean() > 0.98, "the face"
    assert sure[:120, 330:].mean() < 0.3, "the shuttle and the wall"
    assert 0.2 < sure.mean() < 0.75


@pytest.mark.parametrize("side", [512, 640])
def test_a_smaller_side_gives_much_the_same_mask(
    network: IsNet, person: np.ndarray, foreground: np.ndarray, side: int
):
    smaller, whole = network(person, side) > 0.5, foreground > 0.5
    assert (smaller & whole).sum() / (smaller | whole).sum() > 0.75


def test_a_picture_in_its_own_shape_gives_much_the_same_mask(network: IsNet, person: np.ndarray):
    upright = person[:, 60:380]
    height, width = upright.shape[:2]
    square = network(cv2.resize(upright, (512, 512)), 512)
    own, squeezed = (
        mask > 0.5 for mask in (network(upright, 512), cv2.resize(square, (width, height)))
    )
    assert own.shape == upright.shape[:2]
    assert (own != squeezed).any(), "it was squeezed"
    assert (own & squeezed).sum() / (own | squeezed).sum() > 0.85


@pytest.mark.parametrize(
    ("size", "steps"), [((120, 200), (3, 4)), ((200, 40), (4, 3)), ((64, 64), (4, 4))]
)
def test_the_shorter_side_is_three_quarters_at_least(isnet: Path, person, size, steps):
    network = IsNet(isnet, strides=(64,))
    _, (features,) = network.with_maps(cv2.resize(person, size[::-1]), 256)
    assert features.shape[1:] == steps


@pytest.mark.parametrize("size", [(90, 160), (160, 90), (1100, 700)])
def test_the_mask_has_the_size_of_the_picture(network: IsNet, person: np.ndarray, size):
    mask = network(cv2.resize(person, size[::-1]), 64)
    assert mask.shape == size
    assert 0 <= mask.min() <= mask.max() <= 1


def test_threads_change_nothing(isnet: Path, network: IsNet, person: np.ndarray):
    assert np.array_equal(IsNet(isnet, threads=2)(person, 256), network(person, 256))


def test_feature_maps_come_beside_the_mask(isnet: Path, network: IsNet, person: np.ndarray):
    mask, maps = IsNet(isnet, strides=(32, 64)).with_maps(person, 256)
    assert [values.shape for values in maps] == [(512, 8, 8), (512, 4, 4)]
    assert np.array_equal(mask, network(person, 256))
    assert network.with_maps(person, 64)[1] == ()


def test_weights_stored_in_single_precision_give_the_same_mask(
    isnet: Path, network: IsNet, person: np.ndarray, tmp_path: Path
):
    model = onnx.load(isnet)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for node in model.graph.node:
        if node.op_type == "Cast":
            node.op_type = "Identity"
            del node.attribute[:]
    # Another exporter: no feature maps, other names of input and output.
    del model.graph.output[1:]
    onnx.save(model, tmp_path / "single.onnx")
    assert np.array_equal(IsNet(tmp_path / "single.onnx")(person, 256), network(person, 256))
    with pytest.raises(UsageError, match="no feature maps"):
        IsNet(tmp_path / "single.onnx", strides=(32,))


@pytest.mark.parametrize("side", [0, -64, 32, 100, 1000])
def test_sides_that_do_not_halve_six_times_are_refused(network: IsNet, person, side: int):
    with pytest.raises(ValueError, match="multiples of 64"):
        network(person, side)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"cannot be read.*nothing\.onnx"):
        IsNet(tmp_path / "nothing.onnx")


@pytest.mark.parametrize("cut", [0, 5000, 40_000_000])
def test_a_damaged_file_is_told_with_its_remedy(isnet: Path, tmp_path: Path, cut: int):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(isnet.read_bytes()[:cut])
    with pytest.raises(UsageError, match=r"damaged\.onnx is not the .*models pull isnet"):
        IsNet(damaged)


@pytest.mark.parametrize("task", ["det", "rec"])
def test_another_network_is_told(task: str):
    from clipmill.annotations.quality.measures.text import packaged_weights

    with pytest.raises(UsageError, match=r"is not the ONNX file of IS-Net"):
        IsNet(packaged_weights(task))
