"""Qwen2.5-VL in this process: a tiny checkpoint in the real format, over a real clip."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from moving_scenes import face, item_of, run, scene
from tiny_models import REFUSAL, SENTENCE

from clipmill.annotations.caption.asking import Question
from clipmill.annotations.caption.schema import CaptionRow
from clipmill.annotations.caption.transformers import TransformersCaption
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.errors import ClipError, UsageError
from clipmill.store.records import from_dict, to_dict

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")
pytest.importorskip("transformers", reason="needs transformers (extra frameino)")

from clipmill.models.qwen_vl import PatchBatch, Shown, VideoCaptioner  # noqa: E402

EMPTY = PatchBatch(torch.zeros(0), (0, 0, 0), 1.0)


@pytest.fixture(scope="module")
def item(tmp_path_factory):
    made = scene(face(start=(100.0, 120.0), velocity=(1.0, 0.0)), length=50)
    thing = DetectedObject("x", "dog", 1.0, 0.1, (0, 0, 9, 9), b"", b"", None)
    found = item_of(tmp_path_factory.mktemp("qwen") / "face.mp4", made)
    anchors = (Anchor(0, (thing,)), Anchor(40, (thing,)))
    return replace(found, rows={"objects": ObjectsRow(anchors, 2, 2)})


@pytest.fixture(scope="module")
def captioner(tiny_model):
    return VideoCaptioner(str(tiny_model("qwen")), revision=None, device=torch.device("cpu"))


def settings(folder, **more):
    return {"weights": str(folder), "device": "cpu", "long_side": 112} | more


def test_captions_of_all_anchors(item, tiny_model):
    row = run(TransformersCaption, item, **settings(tiny_model("qwen")))
    assert [(c.anchor, c.text) for c in row.captions] == [(0, SENTENCE), (40, SENTENCE)]
    assert row.origin == "model"
    assert row.model == "Qwen/Qwen2.5-VL-32B-Instruct"
    assert row.num_words == len(SENTENCE.split())
    assert from_dict(CaptionRow, to_dict(row)) == row


def test_a_refusal_fails_the_clip_after_a_second_attempt(item, tiny_model):
    folder = tiny_model("qwen", answer=REFUSAL)
    backend = TransformersCaption(TransformersCaption.Config(**settings(folder)))
    backend.setup()
    loaded = backend.load(item)
    with pytest.raises(ClipError, match=r"no usable caption.*refused.*I am sorry"):
        backend.annotate([loaded])
    assert [question.attempts for question in loaded.questions] == [2, 2]


def test_an_answer_without_an_end_is_no_caption(item, tiny_model):
    with pytest.raises(ClipError, match="not at an end after 6 tokens"):
        run(TransformersCaption, item, **settings(tiny_model("qwen"), max_tokens=6))


def test_patches_of_two_equal_frames_are_those_of_the_library(captioner):
    picture = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    patches = captioner.patches(Shown(np.stack([picture] * 2), (0.0, 0.5), ""))
    theirs = captioner.processor(images=[picture], return_tensors="pt")
    assert list(patches.grid) == theirs["image_grid_thw"][0].tolist()
    assert torch.equal(patches.values, theirs["pixel_values"])


def test_frames_of_a_pair_keep_their_order(captioner):
    first, second = np.random.default_rng(1).integers(0, 255, (2, 56, 56, 3), np.uint8)
    both = captioner.patches(Shown(np.stack([first, second]), (0.0, 0.5), ""))
    for place, picture in enumerate((first, second)):
        alone = captioner.processor(images=[picture], return_tensors="pt")["pixel_values"]
        shape = (-1, 3, 2, 14, 14)
        assert torch.equal(both.values.reshape(shape)[:, :, place], alone.reshape(shape)[:, :, 0])


@pytest.mark.parametrize(
    ("times", "steps", "seconds"),
    [((0.0, 0.64, 1.28, 1.92), 2, 1.28), ((0.0, 0.5, 1.0), 2, 1.0), ((0.0,), 1, 2.0)],
)
def test_the_model_is_told_the_true_time_between_steps(captioner, times, steps, seconds):
    pictures = np.zeros((len(times), 56, 56, 3), np.uint8)
    patches = captioner.patches(Shown(pictures, times, ""))
    assert patches.grid[0] == steps
    assert patches.step_seconds == pytest.approx(seconds)


def test_time_and_pictures_reach_the_network(captioner):
    """The first layer's positions follow the seconds, and its input the frames."""
    seen = {}
    text = captioner.model.model.language_model

    def remember(_module, _args, kwargs):
        if kwargs["inputs_embeds"].shape[1] > 1:
            seen["positions"] = kwargs["position_ids"].clone()
            seen["inputs"] = kwargs["inputs_embeds"].clone()

    hook = text.register_forward_pre_hook(remember, with_kwargs=True)
    results = []
    for seconds, value in ((0.5, 10), (2.0, 10), (0.5, 200)):
        pictures = np.full((4, 56, 56, 3), value, np.uint8)
        captioner.write([Shown(pictures, seconds * np.arange(4), "?")], max_tokens=1)
        results.append(dict(seen))
    hook.remove()
    slow, fast, bright = results
    # The last three rows of the positions are time, row and column; only time differs, for the
    # four places of the second step: 4 s instead of 1 s after the first.
    per_second = captioner.model.config.vision_config.tokens_per_second
    moved = (fast["positions"] - slow["positions"])[-3:, 0]
    assert moved[0][moved[0] != 0].tolist() == [3 * per_second] * 4
    assert not moved[1:].any()
    assert torch.equal(slow["inputs"], fast["inputs"])
    assert not torch.equal(slow["inputs"], bright["inputs"])


def test_a_batch_gives_what_each_gives_alone(captioner):
    rng = np.random.default_rng(2)
    shown = [
        Shown(rng.integers(0, 255, (n, 56, 84, 3), np.uint8), tuple(range(n)), "word " * n)
        for n in (1, 4)
    ]
    together = captioner.write(shown, max_tokens=40)
    assert together == [captioner.write([one], max_tokens=40)[0] for one in shown]
    assert [written.text for written in together] == [SENTENCE] * 2
    assert not any(written.cut for written in together)


def test_without_a_gpu_the_profile_that_needs_none_is_named(monkeypatch, tiny_model):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match="--profile embedded"):
        TransformersCaption(TransformersCaption.Config(weights=str(tiny_model("qwen")))).setup()


def watched(backend):
    """What each call shows: pixels to the vision network, and the size of the filled up text."""
    model, seen = backend._captioner.model.model, []

    def vision(_module, args, kwargs):
        patches = kwargs.get("hidden_states", args[0] if args else None)
        seen.append([patches.shape[0] * 2 * 14 * 14, 0])  # a patch lies in two frames

    def text(_module, _args, kwargs):
        rows, length = kwargs["inputs_embeds"].shape[:2]
        if length > 1:
            seen[-1][1] = rows * length

    model.visual.register_forward_pre_hook(vision, with_kwargs=True)
    model.language_model.register_forward_pre_hook(text, with_kwargs=True)
    return seen


def asked(*shapes):
    rng = np.random.default_rng(3)
    return [
        Question(
            0, rng.integers(0, 255, (*shape, 3), np.uint8), tuple(range(shape[0])), lambda: None
        )
        for shape in shapes
    ]


@pytest.mark.parametrize(
    ("bound", "calls"),
    [
        # Frames go in pairs: 4, 4, 2 and 6 of 112 x 112, 12,544 pixels each.
        (8_000_000, [16]),
        (12 * 12544, [10, 6]),  # three with the room of four frames, then one of six
        (8 * 12544, [8, 2, 6]),
        (6 * 12544, [4, 4, 2, 6]),
    ],
)
def test_a_call_shows_no_more_than_its_bound(tiny_model, bound, calls):
    config = settings(tiny_model("qwen"), pixels_per_call=bound, span=96, prompt="?")
    backend = TransformersCaption(TransformersCaption.Config(**config))
    backend.setup()
    seen = watched(backend)
    questions = asked((4, 112, 112), (3, 112, 112), (1, 112, 112), (6, 112, 112))
    answers = backend.ask(questions)
    assert [answer.text for answer in answers] == [SENTENCE] * 4
    assert [pixels for pixels, _ in seen] == [frames * 12544 for frames in calls]
    assert all(pixels <= bound for pixels, _ in seen)
    # A token stands for two frames of 28 x 28; beside them there are a few letters of text.
    alone = len(backend._captioner.tokenizer(backend._captioner._text("?", EMPTY))["input_ids"])
    for _, tokens in seen:
        assert tokens <= bound // (2 * 28 * 28) + 4 * alone


def test_a_caption_that_cannot_stay_within_the_bound_is_refused_beforehand(tiny_model, tmp_path):
    with pytest.raises(ValueError, match=r"up to 13,522,432 .*`pixels_per_call` \(8,000,000\)"):
        TransformersCaption.Config(long_side=384, every=2, span=176)
    TransformersCaption.Config(long_side=384, every=2, span=176, pixels_per_call=15_000_000)
    # 6 frames of 112 x 112 at most; but this checkpoint enlarges frames to 200,704 pixels.
    folder = tmp_path / "enlarging"
    shutil.copytree(tiny_model("qwen"), folder)
    file = folder / "preprocessor_config.json"
    size = {"size": {"shortest_edge": 200_704, "longest_edge": 12_845_056}}
    file.write_text(json.dumps(json.loads(file.read_text()) | size))
    (folder / "processor_config.json").unlink()
    config = TransformersCaption.Config(**settings(folder, span=96, pixels_per_call=6 * 12544))
    with pytest.raises(UsageError, match=r"`min_pixels`.*shows 1,\d{3},\d{3} frames x pixels"):
        TransformersCaption(config).setup()


def test_the_bound_of_a_call_recomputes_nothing():
    one, other = (TransformersCaption.Config(pixels_per_call=n) for n in (8_000_000, 9_000_000))
    assert one.result_settings() == other.result_settings()
