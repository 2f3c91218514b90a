"""The backend `isnet` with its real weights, on one short clip at half of its usual sizes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_scenes import face, item_of, run, scene
from pydantic import ValidationError

from clipmill.annotations.objects.isnet import SalientObjects
from clipmill.annotations.registry import find_backend
from clipmill.demo.scene import Camera, visible_masks
from clipmill.errors import UsageError
from clipmill.store.codecs import decode_array, decode_mask

SMALL = {"whole_side": 512, "crop_side": 256}
LOOSE = {"ratios": (0.5,), "min_sampled": 2, "snap": 0.0} | SMALL
MOVING = scene(
    face(start=(170.0, 120.0), velocity=(3.0, 0.0), size=(120, 120)), length=25, background="grass"
)


@pytest.fixture(scope="module")
def moving(isnet, tmp_path_factory):
    """The clip and its row."""
    item = item_of(tmp_path_factory.mktemp("isnet") / "moving.mp4", MOVING)
    return item, run(SalientObjects, item, **LOOSE, weights=str(isnet))


def test_the_registry_knows_it_and_its_weights():
    assert find_backend("objects", "isnet") is SalientObjects
    assert SalientObjects.needs.weights == ("isnet",)
    assert SalientObjects.wanted_weights(SalientObjects.Config(weights="mine.onnx")) == ()


def test_a_mover_is_found_and_carried(moving):
    _, row = moving
    (anchor,) = row.anchors
    (found,) = anchor.objects
    (one,) = row.carried
    assert (anchor.index, found.identity) == (12, 0)
    assert found.confidence > 0.5
    assert (one.first_frame, len(one.masks)) == (0, 25)
    assert len(decode_array(found.points)) >= 8
    for frame in (2, 12, 22):
        truth = visible_masks(MOVING, frame)[0]
        mask = decode_mask(one.masks[frame], size=truth.shape)
        # What the network takes for the person may leave out some of the disc about her.
        assert (mask & truth).sum() > 0.9 * mask.sum()
        assert mask.sum() > 0.4 * truth.sum()


def test_masks_move_as_the_thing_does(moving):
    (one,) = moving[1].carried
    middle = [np.argwhere(decode_mask(one.masks[t])).mean(axis=0) for t in (4, 20)]
    scale = 480 / 426
    assert middle[1] - middle[0] == pytest.approx([0, 16 * 3 * scale], abs=9)


def test_what_stands_out_but_goes_with_the_background_is_no_object(isnet, tmp_path):
    made = scene(
        face(start=(200.0, 120.0), size=(120, 120)), length=14, camera=Camera(pan=(2.0, 0.0))
    )
    row = run(SalientObjects, item_of(tmp_path / "pan.mp4", made), **LOOSE, weights=str(isnet))
    assert [anchor.objects for anchor in row.anchors] == [()]
    assert row.carried == ()


def test_noise_is_no_object(isnet, tmp_path):
    made = replace(scene(length=14, background="rocket"), noise=16.0, gain=0.5)
    row = run(SalientObjects, item_of(tmp_path / "noise.mp4", made), **LOOSE, weights=str(isnet))
    assert row.num_objects == 0


def test_sides_are_multiples_of_64():
    with pytest.raises(ValidationError, match="multiple of 64"):
        SalientObjects.Config(whole_side=1000)
    with pytest.raises(ValidationError, match="multiple of 64"):
        SalientObjects.Config(crop_side=500)


def test_the_weights_are_part_of_the_identity(isnet, tmp_path):
    from_registry = SalientObjects.identity(SalientObjects.Config())
    own = tmp_path / "own.onnx"
    own.write_bytes(isnet.read_bytes())
    same = SalientObjects.identity(SalientObjects.Config(weights=str(own)))
    own.write_bytes(isnet.read_bytes() + b"x")
    other = SalientObjects.identity(SalientObjects.Config(weights=str(own)))
    assert from_registry and same and other
    assert json.dumps(same) != json.dumps(other)


@pytest.mark.parametrize("content", [b"", b"no network", None], ids=["empty", "text", "missing"])
def test_weights_that_are_none_are_named(tmp_path, content):
    path = Path(tmp_path) / "wrong.onnx"
    if content is not None:
        path.write_bytes(content)
    backend = SalientObjects(SalientObjects.Config(weights=str(path)))
    with pytest.raises(UsageError, match=r"wrong\.onnx"):
        backend.setup()
