"""Captions from a server that misbehaves in every way a server can."""

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from clipmill.annotations.caption.openai import OpenAICaption
from clipmill.annotations.caption.schema import CaptionRow
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.engine.feeding.clips_ahead import Job
from clipmill.engine.feeding.clock import ClipClock
from clipmill.engine.spec import StageSpec
from clipmill.engine.worker import Worker
from clipmill.errors import ClipError, ClipTimeoutError

pytest.importorskip("openai", reason="needs openai (extra frameino)")

from moving_scenes import face, item_of, run, scene

GOOD = "A face drifts to the right over a garden wall while the camera stays where it is."
OTHER = "Slowly, a round face glides past, and the light on the wall behind it does not change."


class Server(ThreadingHTTPServer):
    """Answers with a script: each entry is a status with headers, a text, or something worse."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list = []
        self.requests: list[dict] = []
        self.arrivals: list[float] = []
        self.quiet = threading.Event()
        self.at_once = 0
        self.most_at_once = 0
        self.together: threading.Barrier | None = None
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address) -> None:
        """Broken connections are meant."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_args) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.requests.append(body)
            server.arrivals.append(time.monotonic())
            step = server.script.pop(0) if server.script else GOOD
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            if server.together is not None:
                server.together.wait(20)
            self.answer(step)
        finally:
            with server.lock:
                server.at_once -= 1

    def answer(self, step) -> None:
        if step == "close":
            self.connection.close()
            return
        if step == "hang":
            self.server.quiet.wait(30)
            return
        status, headers, content = step if isinstance(step, tuple) else (200, {}, step)
        message = {"role": "assistant", "content": content}
        finish = headers.pop("finish", "stop")
        choices = [{"index": 0, "message": message, "finish_reason": finish}]
        reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
        data = json.dumps(reply | {"choices": choices if content != "none" else []}).encode()
        if status != 200:
            data = json.dumps({"error": {"message": content}}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.quiet.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def item(tmp_path_factory):
    made = scene(face(start=(100.0, 120.0), velocity=(1.0, 0.0)), length=60)
    found = item_of(tmp_path_factory.mktemp("caption") / "face.mp4", made, start=2)
    return replace(found, rows={"objects": ObjectsRow((), 0, 0)})


def anchored(item, *indices):
    thing = DetectedObject("x", "dog", 1.0, 0.1, (0, 0, 9, 9), b"", b"", None)
    anchors = (Anchor(1, ()), *(Anchor(index, (thing,)) for index in indices))
    return replace(item, rows={"objects": ObjectsRow(anchors, len(indices), len(indices))})


def ask(server, item, **config) -> CaptionRow:
    return run(OpenAICaption, item, base_url=server.url, **{"retries": 2, "timeout": 20.0} | config)


def test_frames_go_as_pictures_with_their_true_times(server, item):
    row = ask(server, item, model="some-model")
    assert row.captions[0].text == GOOD
    assert (row.origin, row.model, row.num_words) == ("model", "some-model", 17)
    (request,) = server.requests
    assert (request["model"], request["max_tokens"]) == ("some-model", 128)
    *pictures, text = request["messages"][0]["content"]
    assert text["type"] == "text"
    fps = item.probe.fps
    assert ", ".join(f"{n * 16 / fps:.2f}" for n in range(4)) in text["text"]
    assert len(pictures) == 4
    with item.open() as reader:
        for number, picture in enumerate(pictures):
            head, data = picture["image_url"]["url"].split(",")
            assert head == "data:image/jpeg;base64"
            shown = Image.open(io.BytesIO(base64.b64decode(data)))
            # 426 x 240 fitted into 384: the aspect ratio stays.
            assert shown.size == (384, 216)
            (native,) = reader.frames([2 + 16 * number])
            assert np.abs(np.asarray(shown).mean((0, 1)) - native.mean((0, 1))).max() < 2


def test_one_caption_for_each_anchor_with_objects(server, item):
    server.script = [GOOD, OTHER]
    row = ask(server, anchored(item, 0, 30), concurrency=1)
    assert [(c.anchor, c.text) for c in row.captions] == [(0, GOOD), (30, OTHER)]
    assert [len(r["messages"][0]["content"]) - 1 for r in server.requests] == [4, 2]


def test_the_provided_text_is_taken_only_when_asked_for(server, item):
    given = replace(item, video=replace(item.video, text=" Its own words. "))
    assert ask(server, given).captions[0].text == GOOD
    row = ask(server, anchored(given, 0, 30), prefer_provided=True)
    assert [c.text for c in row.captions] == ["Its own words."] * 2
    assert (row.origin, row.model) == ("provided", "")
    assert ask(server, item, prefer_provided=True).origin == "model"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {"Retry-After-Ms": "1"}, "slow down"),
        (500, {"Retry-After-Ms": "1"}, "oops"),
        (503, {"Retry-After-Ms": "1"}, "loading"),
        "close",
    ],
    ids=["429", "500", "503", "closed"],
)
def test_passing_trouble_is_tried_again(server, item, trouble):
    server.script = [trouble]
    assert ask(server, item).captions[0].text == GOOD
    assert len(server.requests) == 2


def test_retry_after_is_obeyed(server, item):
    server.script = [(429, {"Retry-After": "1"}, "slow down")]
    ask(server, item)
    first, second = server.arrivals
    assert second - first >= 1.0


def test_a_server_that_hangs_fails_the_clip(server, item):
    server.script = ["hang"] * 9
    with pytest.raises(ClipError, match=r"no answer within 0\.2 s.*run again"):
        ask(server, item, timeout=0.2, retries=1)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "OPENAI_API_KEY"), (404, "check `model`"), (400, "too many images"), (500, "log")],
)
def test_lasting_errors_name_the_remedy(server, item, status, says):
    server.script = [(status, {"Retry-After-Ms": "1"}, "too many images")] * 9
    with pytest.raises(ClipError, match=says) as caught:
        ask(server, item, retries=1)
    # 400 is about this request; the others are about the server or its settings.
    assert caught.value.kind == ("model" if status == 400 else "server")
    assert server.url in str(caught.value)


def test_a_dead_server_is_named_with_the_command_that_starts_one(item):
    dead = Server()
    dead.server_close()
    config = {"base_url": dead.url, "retries": 0, "model": "m"}
    with pytest.raises(ClipError, match=r"cannot be reached.*refused.*vllm serve m.*run again"):
        run(OpenAICaption, item, **config)


def test_a_dead_server_is_asked_only_once_by_the_clips_that_follow(server, item):
    backend = OpenAICaption(OpenAICaption.Config(base_url=server.url, retries=1))
    backend.setup()
    server.script = ["close"] * 3
    for asked in (2, 3):
        with pytest.raises(ClipError, match="cannot be reached"):
            backend.annotate([backend.load(item)])
        assert len(server.requests) == asked
    backend.annotate([backend.load(item)])
    # It lives again, and so a broken line is tried again.
    server.script = ["close"]
    backend.annotate([backend.load(item)])
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "answer",
    ["", "I'm sorry, I can't help with that.", "The video shows a face.", "word " * 200, "none"],
)
def test_a_bad_answer_gets_a_second_chance(server, item, answer):
    server.script = [answer]
    assert ask(server, item).captions[0].text == GOOD
    first, second = (request["messages"][0]["content"][-1]["text"] for request in server.requests)
    assert second.startswith(first)
    assert "could not be used: it " in second


def test_a_second_bad_answer_fails_the_clip(server, item):
    server.script = ["", "In this video, a face moves."]
    with pytest.raises(
        ClipError, match=r"no usable caption for frame 0 in 2 attempts.*In this"
    ) as e:
        ask(server, item)
    assert e.value.kind == "model"
    assert len(server.requests) == 2


def test_an_answer_that_was_cut_ends_with_its_last_sentence(server, item):
    server.script = [(200, {"finish": "length"}, f"{GOOD} And th")]
    assert ask(server, item).captions[0].text == GOOD
    server.script = [(200, {"finish": "length"}, "No end in sight")]
    assert ask(server, item).captions[0].text == GOOD
    assert "not at an end after 128 tokens" in str(server.requests[-1])


def test_requests_of_a_batch_go_at_once(server, item):
    server.together = threading.Barrier(4)
    backend = OpenAICaption(OpenAICaption.Config(base_url=server.url, concurrency=4))
    backend.setup()
    rows = backend.annotate([backend.load(anchored(item, 0, 30)) for _ in range(2)])
    assert server.most_at_once == 4
    assert [len(row.captions) for row in rows] == [2, 2]


def test_one_bad_clip_costs_its_neighbours_no_second_request(server, item):
    """The engine runs a failed batch again in halves; answers that came are not asked for again."""
    bad = replace(item, video=replace(item.video, relative_path="bad"))
    server.script = [GOOD, "", GOOD, GOOD, ""]
    spec = StageSpec(
        annotation="caption",
        backend="clipmill.annotations.caption.openai:OpenAICaption",
        config={"base_url": server.url, "concurrency": 1, "retries": 0},
        time_limit=60,
        unit_size=4,
        batch_size=4,
        ahead=4,
    )
    worker = Worker(spec)
    clips = [("a", item), ("bad", bad), ("b", item), ("c", item)]
    # One batch, whichever of them are loaded first.
    jobs = [Job(key, clip, ClipClock(60), worker.backend.load(clip)) for key, clip in clips]
    outcomes = {outcome.key: outcome for outcome in worker._run_batch(jobs)}
    assert [key for key, outcome in outcomes.items() if outcome.record is None] == ["bad"]
    assert outcomes["bad"].error_kind == "model"
    assert "it was empty" in outcomes["bad"].error
    assert len(server.requests) == 5


def test_a_clip_over_its_limit_is_a_timeout(server, item):
    def too_late():
        raise ClipTimeoutError("took longer than its limit")

    backend = OpenAICaption(OpenAICaption.Config(base_url=server.url))
    backend.setup()
    loaded = backend.load(item)
    loaded.questions[0].check = too_late
    with pytest.raises(ClipTimeoutError):
        backend.annotate([loaded])
    assert server.requests == []


def test_address_and_key_may_come_from_the_environment(server, item, monkeypatch):
    monkeypatch.setenv("CLIPMILL_CAPTION_URL", server.url)
    row = run(OpenAICaption, item, base_url="http://127.0.0.1:1/v1", retries=0)
    assert row.captions[0].text == GOOD
    assert OpenAICaption.identity(OpenAICaption.Config(model="m")) == {"model": "m"}
