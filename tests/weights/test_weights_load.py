"""Checkpoints fit entirely, or the error names every key that does not."""

import pickle
from pathlib import Path

import pytest

from clipmill.weights import MissingWeightsError, WeightsError, load_state_dict
from clipmill.weights.errors import StateDictError

torch = pytest.importorskip("torch")


def network():
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def filled() -> dict:
    generator = torch.Generator().manual_seed(1)
    return {
        key: torch.rand(value.shape, generator=generator).to(value.dtype)
        for key, value in network().state_dict().items()
    }


def save(path: Path, content: object) -> Path:
    if path.suffix == ".safetensors":
        pytest.importorskip("safetensors.torch").save_file(content, path)
    else:
        torch.save(content, path)
    return path


def same(model, wanted: dict) -> bool:
    return all(torch.equal(value, wanted[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", ["toy.pth", "toy.safetensors"])
def test_a_fitting_checkpoint_fills_the_network(tmp_path: Path, name: str):
    model = network()
    load_state_dict(model, save(tmp_path / name, filled()))
    assert same(model, filled())


def test_a_file_in_the_old_format_is_read(tmp_path: Path):
    model = network()
    torch.save(filled(), tmp_path / "toy.pth", _use_new_zipfile_serialization=False)
    load_state_dict(model, tmp_path / "toy.pth")
    assert same(model, filled())


@pytest.mark.parametrize("name", ["toy.pth", "toy.safetensors"])
def test_missing_unexpected_and_misshapen_keys_are_named(tmp_path: Path, name: str):
    content = filled()
    del content["0.weight"]
    content["0.bias"] = torch.zeros(5)
    content["head.bias"] = torch.zeros(1)
    model = network()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(StateDictError) as caught:
        load_state_dict(model, save(tmp_path / name, content))
    message = str(caught.value)
    assert str(tmp_path / name) in message
    assert "1 missing: 0.weight" in message
    assert "1 unexpected: head.bias" in message
    assert "1 misshapen: 0.bias [5] instead of [2]" in message
    assert same(model, before)


def test_a_long_list_of_keys_is_counted(tmp_path: Path):
    content = filled() | {f"extra.{i:02}": torch.zeros(1) for i in range(30)}
    with pytest.raises(StateDictError, match=r"30 unexpected: extra\.00, .* and 22 more"):
        load_state_dict(network(), save(tmp_path / "toy.pth", content))


def test_unused_keys_may_be_absent_or_left_over(tmp_path: Path):
    content = filled() | {"depth_head.a.weight": torch.zeros(1)}
    del content["1.num_batches_tracked"]
    path = save(tmp_path / "toy.pth", content)
    load_state_dict(network(), path, unused=frozenset({"depth_head.*", "1.num_batches_tracked"}))
    with pytest.raises(StateDictError, match=r"depth_head\.a\.weight"):
        load_state_dict(network(), path, unused=frozenset({"1.num_batches_tracked"}))
    content["0.bias"] = torch.zeros(7)
    with pytest.raises(StateDictError, match=r"misshapen: 0\.bias"):
        load_state_dict(
            network(),
            save(tmp_path / "bad.pth", content),
            unused=frozenset({"depth_head.*", "1.num_batches_tracked", "0.bias"}),
        )


def test_a_prefix_is_taken_off_and_a_container_opened(tmp_path: Path):
    content = {"net": {f"module.{key}": value for key, value in filled().items()}, "epoch": 3}
    path = save(tmp_path / "toy.pth", content)
    model = network()
    load_state_dict(model, path, prefix="module.", container_key="net")
    assert same(model, filled())
    with pytest.raises(WeightsError, match=r"other things than tensors.*epoch, net"):
        load_state_dict(network(), path)
    # The same network stored without the container.
    bare = save(tmp_path / "bare.pth", filled())
    load_state_dict(model, bare, container_key="net")


def test_a_key_without_the_prefix_is_unexpected(tmp_path: Path):
    content = {f"module.{key}": value for key, value in filled().items()}
    content["0.bias"] = torch.zeros(2)
    with pytest.raises(StateDictError, match=r"unexpected: 0\.bias \(without 'module\.'\)"):
        load_state_dict(network(), save(tmp_path / "toy.pth", content), prefix="module.")


class Evil:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path):
    trap = tmp_path / "was-run"
    path = save(tmp_path / "toy.pth", filled() | {"evil": Evil(trap)})
    with pytest.raises(WeightsError, match="weights_only=True"):
        load_state_dict(network(), path)
    raw = tmp_path / "raw.pth"
    raw.write_bytes(pickle.dumps(Evil(trap)))
    with pytest.raises(WeightsError, match=r"raw.pth"):
        load_state_dict(network(), raw)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["toy.pth", "toy.safetensors"])
@pytest.mark.parametrize("keep", [0, 1, 100, 500])
def test_a_truncated_file_is_named(tmp_path: Path, name: str, keep: int):
    path = save(tmp_path / name, filled())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=name):
        load_state_dict(network(), path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"0.weight": 3}])
def test_a_checkpoint_of_other_things_is_named(tmp_path: Path, content: object):
    with pytest.raises(WeightsError, match=r"toy\.pth"):
        load_state_dict(network(), save(tmp_path / "toy.pth", content))


def test_a_folder_in_the_layout_of_the_hub_is_read(tmp_path: Path):
    import json

    content = filled()
    first = {key: content[key] for key in list(content)[:3]}
    rest = {key: content[key] for key in list(content)[3:]}
    save(tmp_path / "a.safetensors", first)
    save(tmp_path / "b.safetensors", rest)
    index = dict.fromkeys(first, "a.safetensors") | dict.fromkeys(rest, "b.safetensors")
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": index}))
    model = network()
    load_state_dict(model, tmp_path)
    assert same(model, content)
    (tmp_path / "b.safetensors").unlink()
    with pytest.raises(MissingWeightsError, match=r"b\.safetensors"):
        load_state_dict(network(), tmp_path)


def test_no_file_is_a_missing_file(tmp_path: Path):
    with pytest.raises(MissingWeightsError, match=r"there is no checkpoint .*none\.pth"):
        load_state_dict(network(), tmp_path / "none.pth")
    with pytest.raises(MissingWeightsError, match=r"no model\.safetensors"):
        load_state_dict(network(), tmp_path)
