"""A session is all that a transport has to carry: called from other threads, telling as it goes."""

import pickle
import threading
from typing import Any

import pytest
from test_engine_local import items, spec

from clipmill.engine.session import (
    Begun,
    Broken,
    Event,
    Finished,
    Loaded,
    NoRoom,
    Ready,
    Session,
    TransportError,
)


class Listener:
    """Keeps what it is told, as it comes out of a pipe."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.news = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self.news:
            self.told.append(pickle.loads(pickle.dumps(event)))
            self.news.notify_all()

    def wait_for(self, condition: Any) -> None:
        with self.news:
            assert self.news.wait_for(lambda: any(map(condition, self.told)), timeout=30)

    def finished(self) -> list[str]:
        return [event.outcome.key for event in self.told if isinstance(event, Finished)]


def begun(session: Session) -> threading.Thread:
    thread = threading.Thread(target=session.run)
    thread.start()
    return thread


def test_clips_may_come_before_the_model_is_there_and_while_it_works() -> None:
    listener = Listener()
    session = Session(pickle.loads(pickle.dumps(spec(ahead=2))), listener)
    session.add(items("a", "b"))
    thread = begun(session)
    listener.wait_for(lambda event: event == Begun("b"))
    session.add(pickle.loads(pickle.dumps(list(items("c", "d")))))
    session.close()
    thread.join(30)
    assert listener.told[0] == Ready()
    assert listener.finished() == list("abcd")
    for key in "abcd":
        mine = [e for e in listener.told if getattr(e, "key", "") == key]
        assert mine == [Begun(key), Loaded(key)]
    measured = session.measured()
    assert measured.clips == 4
    assert measured.peak_rss > 10_000_000


def test_the_next_unit_is_begun_before_the_last_one_is_done(tmp_path) -> None:
    """Loading goes on while clips of the first unit still wait: nothing drains between units."""
    go = tmp_path / "go"
    listener = Listener()
    # `until` holds up the loading of all but the clip that is through already.
    session = Session(spec(ahead=3, decode_threads=3, config={"until": str(go)}), listener)
    session.add(items("a", "b"))
    thread = begun(session)
    listener.wait_for(lambda event: event == Begun("b"))
    session.add(items("c"))
    listener.wait_for(lambda event: event == Begun("c"))
    assert listener.finished() == []
    go.touch()
    session.close()
    thread.join(30)
    assert sorted(listener.finished()) == list("abc")


def test_what_is_given_back_is_forgotten(tmp_path) -> None:
    go = tmp_path / "go"
    listener = Listener()
    session = Session(spec(ahead=1, config={"until": str(go)}), listener)
    session.add(items(*"abcde"))
    thread = begun(session)
    listener.wait_for(lambda event: event == Begun("a"))
    assert session.give_back(2) == ["e", "d"]
    go.touch()
    session.close()
    thread.join(30)
    assert listener.finished() == list("abc")


@pytest.mark.parametrize(
    ("backend", "last", "text"),
    [
        ("fake_backends:Broken", Broken, "quality/fake_backends:Broken: the weights are missing"),
        ("placed_backends:Roomy", NoRoom, "CUDA out of memory"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_told_and_costs_no_clip(
    tmp_path, backend, last, text
) -> None:
    listener = Listener()
    config = {"folder": str(tmp_path)} if "placed" in backend else {}
    session = Session(spec(backend=backend, config=config), listener)
    session.add(items("a"))
    session.run()
    (event,) = listener.told
    assert isinstance(event, last)
    assert text in event.text


def test_nobody_to_tell_ends_it() -> None:
    def gone(_event: Event) -> None:
        raise BrokenPipeError

    session = Session(spec(), gone)
    session.add(items("a"))
    with pytest.raises(TransportError):
        session.run()
