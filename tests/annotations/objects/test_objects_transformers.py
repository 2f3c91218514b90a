"""Segmentation checkpoints: tiny random networks in the real format, rules on made-up queries."""

from dataclasses import replace

import numpy as np
import pytest
from moving_scenes import SIZE, face, item_of, run, scene

from clipmill.annotations.objects.oneformer import OneFormerObjects
from clipmill.annotations.objects.schema import ObjectsRow
from clipmill.annotations.objects.transformers import (
    MOVABLE,
    LoadedAnchors,
    TransformersObjects,
)
from clipmill.errors import UsageError
from clipmill.store.codecs import decode_array, decode_mask
from clipmill.store.records import from_dict, to_dict

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")
pytest.importorskip("transformers", reason="needs transformers (extra frameino)")

from clipmill.models.panoptic import (  # noqa: E402
    MergeRules,
    NetworkView,
    Segment,
    merge_queries,
)
from clipmill.models.segmenter import Segmenter  # noqa: E402

# A random network is sure of nothing: every query is let through.
OPEN = {"score": 0.0, "overlap": 0.0, "min_area": 0.0, "max_area": 1.0, "classes": ()}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def item(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    made = scene(face(start=(100.0, 120.0), velocity=(1.0, 0.0)), length=130)
    return item_of(folder / "face.mp4", made)


@pytest.mark.parametrize(
    ("backend", "model"), [(OneFormerObjects, "oneformer"), (TransformersObjects, "mask2former")]
)
def test_a_checkpoint_in_the_real_format_gives_a_row(item, tiny_model, backend, model):
    folder = str(tiny_model(model))
    row = run(backend, item, weights=folder, device="cpu", width=160, **OPEN)
    assert [anchor.index for anchor in row.anchors] == [0]
    objects = row.anchors[0].objects
    assert row.num_objects == len(objects) > 0
    assert [found.area for found in objects] == sorted((o.area for o in objects), reverse=True)
    taken = np.zeros((90, 160), int)
    for number, found in enumerate(objects):
        mask = decode_mask(found.mask)
        assert mask.shape == (90, 160)
        assert found.area == pytest.approx(mask.mean())
        assert 0 <= found.confidence <= 1
        assert found.object_id == f"{item.clip.clip_id}-a00000-o{number:02d}"
        points = decode_array(found.points)
        at_source = decode_mask(found.mask, size=(SIZE[1], SIZE[0]))
        assert len(points)
        columns, rows = np.rint(points).astype(int).T
        assert at_source[rows, columns].all()
        x0, y0, x1, y1 = found.box
        assert ((points >= (x0 - 1, y0 - 1)) & (points <= (x1, y1))).all()
        taken += mask
    assert taken.max() == 1
    assert from_dict(ObjectsRow, to_dict(row)) == row
    assert row == run(backend, item, weights=folder, device="cpu", width=160, **OPEN)


def test_the_network_gets_rgb(item, tiny_model):
    folder = tiny_model("mask2former")
    backend = TransformersObjects(
        TransformersObjects.Config(weights=str(folder), device="cpu", width=160, **OPEN)
    )
    backend.setup()
    loaded = backend.load(item)
    with item.open() as reader:
        (native,) = reader.frames([0])
    # The loaded picture has the colours of the video, in its order.
    red, _, blue = native[150].mean(axis=0)
    assert abs(red - blue) > 5
    assert np.abs(loaded.pictures[0].mean((0, 1)) - native.mean((0, 1))).max() < 1
    # What the network itself says of it, normalised by hand.
    resized = backend._segmenter.processor(images=[loaded.pictures[0]], do_normalize=False)
    plane = torch.from_numpy(np.asarray(resized["pixel_values"])[0])
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    with torch.inference_mode():
        output = backend._segmenter.model(pixel_values=((plane - mean) / std)[None])
    rules = MergeRules(0.0, 0.0)
    expected = merge_queries(
        output.class_queries_logits[0],
        output.masks_queries_logits[0],
        size=(90, 160),
        labels=backend._segmenter.labels,
        rules=rules,
        view=NetworkView(plane.shape[1:], plane.shape[1:]),
    )
    (found,) = backend._segmenter.segment([loaded.pictures[0]], rules)
    assert [s.label for s in found] == [s.label for s in expected]
    assert all((a.mask == b.mask).mean() > 0.999 for a, b in zip(found, expected, strict=True))
    (swapped,) = backend._segmenter.segment([loaded.pictures[0][..., ::-1].copy()], rules)
    assert any((a.mask != b.mask).any() for a, b in zip(found, swapped, strict=False))


def test_batches_do_not_change_a_row(item, tiny_model, tmp_path):
    other = item_of(tmp_path / "other.mp4", scene(face(start=(300.0, 100.0)), length=130))
    config = TransformersObjects.Config(
        weights=str(tiny_model("mask2former")), device="cpu", width=160, **OPEN
    )
    backend = TransformersObjects(config)
    backend.setup()
    loaded = [backend.load(item), backend.load(other)]
    together = backend.annotate(loaded)
    alone = [backend.annotate([one])[0] for one in loaded]
    assert [row.num_objects for row in together] == [row.num_objects for row in alone]
    for a, b in zip(together, alone, strict=True):
        masks = [[decode_mask(o.mask) for o in row.anchors[0].objects] for row in (a, b)]
        assert all((one == two).mean() > 0.99 for one, two in zip(*masks, strict=True))
    assert masks[0][0].any()


def test_a_model_that_is_sure_of_nothing_and_a_clip_without_anchors(item, tiny_model):
    weights = str(tiny_model("oneformer"))
    row = run(OneFormerObjects, item, weights=weights, device="cpu", width=160)
    assert [anchor.objects for anchor in row.anchors] == [()]
    assert (row.num_anchors, row.num_objects) == (0, 0)
    short = replace(item, clip=replace(item.clip, end=60))
    row = run(OneFormerObjects, short, weights=weights, device="cpu", width=160)
    assert row == ObjectsRow((), 0, 0)


def test_the_published_settings_are_the_default():
    config = OneFormerObjects.Config()
    assert config.model == "shi-labs/oneformer_coco_swin_large"
    assert (config.width, config.min_area, config.max_area) == (512, 0.033, 0.4)
    assert (config.ratios, config.min_gap, config.snap) == ((0.0, 0.33, 0.66), 50, 0.05)
    assert config.classes == MOVABLE and len(MOVABLE) == 25


def test_area_limits_are_inclusive(item, tiny_model):
    config = TransformersObjects.Config(weights=str(tiny_model("mask2former")), device="cpu")
    backend = TransformersObjects(config)
    backend.setup()
    pictures = np.zeros((1, 25, 40, 3), np.uint8)
    loaded = LoadedAnchors(item, SIZE, (0,), pictures)

    def kept(pixels, label="dog"):
        mask = np.arange(1000).reshape(25, 40) < pixels
        return backend._objects(loaded, 0, [Segment(label, 0.9, mask)])

    assert [bool(kept(pixels)) for pixels in (32, 33, 400, 401)] == [False, True, True, False]
    assert kept(33)[0].area == 0.033
    assert not kept(100, "sky-other-merged")
    assert kept(100, "Person")[0].class_name == "person"


def logits(*classes):
    """Class logits of queries that are sure of one class of three; class 3 is `nothing`."""
    return torch.tensor([[12.0 * (n == k) for n in range(4)] for k in classes])


def halves(left, right):
    """Mask logits [2, 4, 8]: one query with `left` on the left half, one with `right` right."""
    masks = torch.full((2, 4, 8), -8.0)
    masks[0, :, :4], masks[1, :, 4:] = left, right
    return masks


def merged(classes, masks, score=0.5, overlap=0.8, fused=()):
    labels = {0: "person", 1: "dog", 2: "flower"}
    rules = MergeRules(score, overlap, fused)
    return merge_queries(classes, masks, size=(4, 8), labels=labels, rules=rules)


def test_queries_become_segments():
    found = merged(logits(0, 1), halves(8.0, 8.0))
    assert [segment.label for segment in found] == ["person", "dog"]
    assert found[0].mask[:, :4].all() and not found[0].mask[:, 4:].any()
    assert found[0].score == pytest.approx(1, abs=1e-4)


def test_pixels_of_which_no_query_is_sure_belong_to_no_segment():
    masks = halves(8.0, 8.0)
    masks[:, :2] = -1.0
    found = merged(logits(0, 1), masks, overlap=0.0)
    assert sum(segment.mask.sum() for segment in found) == 16


def test_nothing_unsure_and_covered_queries_are_dropped():
    assert merged(logits(3, 3), halves(8.0, 8.0)) == []
    assert merged(torch.zeros(2, 4), halves(8.0, 8.0)) == []
    # 0.25 each: the limit itself is not enough.
    assert merged(torch.zeros(2, 4), halves(8.0, 8.0), score=0.25) == []
    masks = halves(8.0, 8.0)
    masks[1] = 4.0  # everywhere, but the first query is surer on the left
    assert [s.label for s in merged(logits(0, 1), masks)] == ["person"]
    assert [s.label for s in merged(logits(0, 1), masks, overlap=0.5)] == ["person", "dog"]


def test_stuff_is_one_segment():
    assert len(merged(logits(2, 2), halves(8.0, 8.0))) == 2
    (one,) = merged(logits(2, 2), halves(8.0, 8.0), fused=("flower",))
    assert one.mask.all()


def test_wrong_checkpoints_are_refused_by_name(tmp_path, tiny_model):
    weights = str(tiny_model("mask2former"))
    with pytest.raises(UsageError, match=r"knows none of the wanted classes.*person"):
        TransformersObjects(
            TransformersObjects.Config(weights=weights, device="cpu", classes=("ship",))
        ).setup()
    with pytest.raises(UsageError, match="no weights at"):
        TransformersObjects.identity(TransformersObjects.Config(weights=str(tmp_path / "none")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="cannot be loaded"):
        Segmenter(str(tmp_path / "empty"), revision=None, device=CPU)


def test_missing_and_misshapen_keys_are_named(tmp_path, tiny_model):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "cut"
    folder.mkdir()
    for file in tiny_model("mask2former").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("class_predictor.bias")
    tensors["class_predictor.weight"] = torch.zeros(3, 3)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"missing keys class_predictor\.bias; misshapen keys cl"):
        Segmenter(str(folder), revision=None, device=CPU)


def test_identity_follows_the_content(tmp_path, tiny_model):
    whole = tiny_model("mask2former")
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in whole.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    of = lambda path: TransformersObjects.identity(  # noqa: E731
        TransformersObjects.Config(model="m", weights=str(path))
    )
    assert of(copy) == of(whole)
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert of(copy) != of(whole)
