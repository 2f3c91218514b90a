"""SAM 2's seam: a tiny random network over real clips, and the rules around its masks."""

from dataclasses import replace

import numpy as np
import pytest
from moving_scenes import SIZE, face, item_of, run, scene, true_rows

from clipmill.annotations.inout.sam2 import Sam2InOut, _went_over_the_edge
from clipmill.annotations.inout.schema import InOutRow
from clipmill.annotations.objects.schema import ObjectsRow
from clipmill.annotations.tracks.schema import TracksRow
from clipmill.store.codecs import decode_array, decode_bits, decode_mask, encode_bits, encode_mask
from clipmill.store.records import from_dict, to_dict

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")
pytest.importorskip("transformers", reason="needs transformers (extra frameino)")

from clipmill.models.batching import TooLargeError  # noqa: E402
from clipmill.models.sam2 import Prompted, VideoMasker  # noqa: E402

LENGTH, ANCHOR = 12, 4
MADE = scene(face(start=(110.0, 120.0), velocity=(3.0, 0.0), size=(140, 140)), length=LENGTH)


@pytest.fixture(scope="module")
def item(tmp_path_factory):
    made = item_of(tmp_path_factory.mktemp("sam2") / "face.mp4", MADE)
    return replace(made, rows=true_rows(made, MADE, anchor=ANCHOR))


def settings(folder, **more):
    # A random network's masks agree with no track.
    loose = {"off_share": 1.0, "max_invalid": 1.0, "long_side": 160, "mask_margin": 0.0}
    return {"weights": str(folder), "device": "cpu"} | loose | more


def test_masks_reach_as_far_as_the_tracks_and_back_as_far_as_asked(item, tiny_model):
    folder = tiny_model("sam2")
    row = run(Sam2InOut, item, **settings(folder, back=3))
    (entry,) = row.objects
    assert (entry.anchor, entry.first_frame) == (ANCHOR, ANCHOR - 3)
    assert len(entry.masks) == LENGTH - ANCHOR + 3
    assert {decode_mask(blob).shape for blob in entry.masks} == {(90, 160)}
    assert any(decode_mask(blob).any() for blob in entry.masks)
    boxes = decode_array(entry.boxes)
    assert boxes.shape == (len(entry.masks), 4)
    assert (boxes <= (*SIZE, *SIZE)).all()
    assert 0 <= entry.mask_confidence <= 1
    assert len(decode_bits(entry.point_valid)) == item.rows["tracks"].objects[0].num_points
    assert row.num_accepted == sum(not entry.refusal for entry in row.objects)
    assert from_dict(InOutRow, to_dict(row)) == row
    assert row == run(Sam2InOut, item, **settings(folder, back=3))
    # Looking back changes nothing of what comes after.
    (ahead,) = run(Sam2InOut, item, **settings(folder)).objects
    assert (ahead.first_frame, ahead.masks) == (ANCHOR, entry.masks[3:])


def test_several_anchors_and_objects_share_one_pass(item, tiny_model):
    late = true_rows(item, MADE, anchor=7)
    first, second = item.rows["tracks"].objects[0], late["tracks"].objects[0]
    twin = replace(first, object_id=f"{first.object_id}b")
    found = item.rows["objects"].anchors[0].objects[0]
    both = replace(
        item.rows["objects"].anchors[0],
        objects=(found, replace(found, object_id=twin.object_id)),
    )
    objects = ObjectsRow((both, *late["objects"].anchors), 2, 3)
    rows = {"objects": objects, "tracks": TracksRow((first, twin, second), 3)}
    backend = Sam2InOut(Sam2InOut.Config(**settings(tiny_model("sam2"))))
    backend.setup()
    looked = []
    backend._masker.model.vision_encoder.register_forward_hook(lambda *_: looked.append(1))
    (row,) = backend.annotate([backend.load(replace(item, rows=rows))])
    assert len(looked) == LENGTH - ANCHOR
    assert [entry.object_id for entry in row.objects] == [
        first.object_id, twin.object_id, second.object_id,
    ]  # fmt: skip
    assert [len(entry.masks) for entry in row.objects] == [8, 8, 5]
    (alone,) = run(Sam2InOut, item, **settings(tiny_model("sam2"))).objects
    same = [
        (decode_mask(a) == decode_mask(b)).mean()
        for a, b in zip(row.objects[0].masks, alone.masks, strict=True)
    ]
    assert min(same) > 0.99
    assert row.objects[0].masks == row.objects[1].masks


def test_bounded_memory_does_not_change_the_masks(tiny_model):
    """The library, holding everything, gives the same masks in a pass over the whole video."""
    from transformers import Sam2VideoInferenceSession

    masker = VideoMasker(str(tiny_model("sam2")), revision=None, device=torch.device("cpu"))
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (20, 128, 128, 3), np.uint8)
    points = np.array([[0.3, 0.4], [0.5, 0.6]])
    group = Prompted(frame=0, last=19, points=[points])
    size = (128, 128)
    ours = [masker.step(t, p, [group], size=size)[0][0] for t, p in enumerate(pictures)]
    (session,) = group.sessions
    assert not session.processed_frames
    kept = session.output_dict_per_obj[0]["non_cond_frame_outputs"]
    assert len(kept) == 16
    assert sum("maskmem_features" in stored for stored in kept.values()) == 7
    assert all("high_res_masks" not in stored for stored in kept.values())

    video = torch.stack([masker._pixels(picture) for picture in pictures])
    whole = Sam2VideoInferenceSession(
        video=video, video_height=128, video_width=128, dtype=torch.float32
    )
    coordinates = torch.tensor(points, dtype=torch.float32)[None, None] * 128 - 0.5
    prompt = {"point_coords": coordinates, "point_labels": torch.ones(1, 1, 2, dtype=torch.int32)}
    whole.add_point_inputs(whole.obj_id_to_idx(0), 0, prompt)
    whole.obj_with_new_inputs = [0]
    for output in masker.model.propagate_in_video_iterator(whole, start_frame_idx=0):
        scaled = torch.nn.functional.interpolate(
            output.pred_masks, size=size, mode="bilinear", align_corners=False
        )
        theirs = (scaled[0, 0] > 0).numpy()
        assert (theirs == ours[output.frame_idx]).all()


def test_objects_that_do_not_fit_together_are_carried_apart(tiny_model, monkeypatch):
    """A network that refuses above a number of objects, from some frame on, stands for a GPU."""
    masker = VideoMasker(str(tiny_model("sam2")), revision=None, device=torch.device("cpu"))
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 255, (12, 128, 128, 3), np.uint8)
    points = [rng.random((2, 2)) for _ in range(5)]
    size = (64, 64)

    def carried(order):
        group = Prompted(frame=order[0], last=order[-1], points=points)
        steps = [masker.step(t, pictures[t], [group], size=size)[0] for t in order]
        return group, np.stack([np.stack(masks) for masks in steps])

    orders = [list(range(12)), list(range(11, -1, -1))]
    together = [carried(order)[1] for order in orders]
    assert all(masks.any() and not masks.all() for masks in together)
    encode, sizes, most = masker.model._batch_encode_memories, [], {"first": 3, "later": 1}

    def limited(inference_session, frame_idx, objects_needing_memory_encoding, **kwargs):
        # Every object of the call has a mask by now: half of the work is done when it fails.
        count = len(objects_needing_memory_encoding)
        sizes.append(count)
        if count > most["later" if len(sizes) > 12 else "first"]:
            raise torch.OutOfMemoryError("Tried to allocate 1.50 GiB.")
        kwargs |= {"objects_needing_memory_encoding": objects_needing_memory_encoding}
        return encode(inference_session=inference_session, frame_idx=frame_idx, **kwargs)

    monkeypatch.setattr(masker.model, "_batch_encode_memories", limited)
    for order, whole in zip(orders, together, strict=True):
        sizes.clear()
        group, masks = carried(order)
        assert sizes[:3] == [5, 2, 3] and sizes[-5:] == [1] * 5
        assert [session.obj_ids for session in group.sessions] == [[n] for n in range(5)]
        assert (masks == whole).all()
    sizes.clear()
    most["first"] = 0
    with pytest.raises(TooLargeError, match=r"SAM 2 with one object does not fit.*1\.50 GiB"):
        carried(orders[0])


def test_a_mask_that_vanishes_is_empty_and_refused(item, tiny_model):
    (entry,) = run(Sam2InOut, item, **settings(tiny_model("sam2", always_lost=True))).objects
    assert not any(decode_mask(blob).any() for blob in entry.masks)
    assert not decode_array(entry.boxes).any()
    assert entry.refusal == "lost_at_anchor"
    assert (entry.reference, entry.others, entry.regions) == (None, (), ())
    assert (entry.enter_frame, entry.exit_frame) == (None, None)


def test_all_points_lost(item, tiny_model):
    (track,) = item.rows["tracks"].objects
    lost = replace(track, survived=encode_bits(np.zeros(track.num_points, bool)))
    rows = dict(item.rows) | {"tracks": TracksRow((lost,), 1)}
    row = run(Sam2InOut, replace(item, rows=rows), **settings(tiny_model("sam2"), back=2))
    (entry,) = row.objects
    assert (entry.refusal, row.num_accepted) == ("lost_at_anchor", 0)
    assert len(entry.masks) == LENGTH - ANCHOR
    assert not any(decode_mask(blob).any() for blob in entry.masks)
    assert entry.invalid_share == 1.0


def test_points_that_are_all_hidden_at_the_anchor_prompt_as_published(item, tiny_model):
    folder = tiny_model("sam2")
    (track,) = item.rows["tracks"].objects

    def carried(visible):
        changed = replace(track, visibility=encode_bits(visible))
        rows = dict(item.rows) | {"tracks": TracksRow((changed,), 1)}
        return run(Sam2InOut, replace(item, rows=rows), **settings(folder, back=2)).objects[0]

    seen = np.ones((track.num_frames, track.num_points), bool)
    hidden, some = seen.copy(), seen.copy()
    hidden[0], some[0, 1:] = False, False
    entry = carried(hidden)
    # The masks are those of all points, as if all were seen; a random network covers some of them.
    assert entry.masks == carried(seen).masks
    assert any(decode_mask(blob).any() for blob in entry.masks)
    assert entry.refusal == carried(seen).refusal != "lost_at_anchor"
    # Where one is seen, it alone prompts.
    assert carried(some).masks != entry.masks


def test_without_objects_nothing_is_carried(item, tiny_model):
    rows = {"objects": ObjectsRow((), 0, 0), "tracks": TracksRow((), 0)}
    row = run(Sam2InOut, replace(item, rows=rows), **settings(tiny_model("sam2")))
    assert row == InOutRow((), 0)


def test_an_object_leaves_only_over_the_edge():
    empty = encode_mask(np.zeros((20, 30), bool))
    middle, border = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    middle[8:12, 10:20] = True
    border[8:12, 25:] = True
    assert _went_over_the_edge([encode_mask(middle), encode_mask(border), empty])
    assert not _went_over_the_edge([encode_mask(border), encode_mask(middle), empty])
    assert not _went_over_the_edge([encode_mask(middle), encode_mask(border)])
    assert not _went_over_the_edge([empty, empty])
    assert not _went_over_the_edge([])


def test_the_published_settings_are_the_default():
    config = Sam2InOut.Config()
    assert config.model == "facebook/sam2.1-hiera-large"
    assert (config.min_box_share, config.max_invalid, config.tries) == (0.1, 0.33, 2000)
    assert (config.num_regions, config.num_others, config.margin) == (15, 3, 15.0)
