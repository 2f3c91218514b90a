"""One identity per thing, whatever order it is found in."""

import numpy as np
import pytest
from red_ball import Film, film_store, redness, straight

from clipmill.annotations.objects.propagation import identities
from clipmill.annotations.objects.propagation.follow import Following
from clipmill.annotations.objects.propagation.identities import Identities, Identity, Proposal
from clipmill.annotations.objects.propagation.ration import Ration
from clipmill.annotations.objects.propagation.sight import Sight
from clipmill.vision.masks import overlap, shrink


def back_again(frame):
    return (90 + 2 * frame, 70) if frame < 16 else None if frame < 30 else (60 + 2 * frame, 110)


TWO = Film((straight(60, 50, 3), lambda frame: (260 - 3 * frame, 135)), length=40)
AWAY = Film((back_again,), length=50)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return film_store(tmp_path_factory.mktemp("identities"))


def of(frames, *, most=4, network=redness, interval=4, asks=1000):
    ration = None if network is None else Ration(network, asks)
    way = Following(interval, ration, lambda: None)
    return Identities(frames, way, most=most, reach=24)


def shown(mask, confidence=0.8, speed=2.0):
    return Proposal(mask.astype(np.float32), confidence, speed)


def test_a_thing_is_known_in_all_frames_from_one_proposal(clip):
    things = of(clip(TWO))
    things.propose(20, [shown(TWO.masks(20)[0])])
    (one,) = things.settle()
    assert sorted(one.sights) == list(range(40))
    assert all(overlap(one.mask(t), TWO.masks(t)[0]) > 0.85 for t in range(40))
    assert (one.confidence, one.speeds) == (0.8, [2.0])


def test_what_is_followed_already_is_not_a_new_thing(clip):
    things = of(clip(TWO))
    things.propose(0, [shown(TWO.masks(0)[0])])
    things.propose(24, [shown(TWO.masks(24)[0], 0.95, 4.0)])
    things.propose(30, [shown(shrink(TWO.masks(30)[0], 12), 0.5)])
    (one,) = things.settle()
    assert one.confidence == 0.95
    assert one.speeds == [2.0, 4.0, 2.0]


def test_two_things_are_two_and_the_surest_comes_first(clip):
    things = of(clip(TWO))
    left, right = TWO.masks(0)
    things.propose(0, [shown(left, 0.6), shown(right, 0.9)])
    first, second = things.settle()
    assert overlap(first.mask(30), TWO.masks(30)[1]) > 0.8
    assert overlap(second.mask(30), TWO.masks(30)[0]) > 0.8
    assert (first.confidence, second.confidence) == (0.9, 0.6)


def test_no_more_things_than_asked(clip):
    things = of(clip(TWO), most=1)
    things.propose(0, [shown(mask) for mask in TWO.masks(0)])
    assert len(things.settle()) == 1


def test_a_thing_that_comes_back_is_the_same(clip):
    things = of(clip(AWAY))
    things.propose(0, [shown(AWAY.masks(0)[0])])
    gone = [t for t in range(50) if not AWAY.masks(t)[0].any()]
    assert things.missing(20)
    assert not things.covered(20).any()
    things.propose(40, [shown(AWAY.masks(40)[0])])
    (one,) = things.settle()
    assert not set(one.sights) & set(gone)
    assert set(range(16)) | set(range(33, 50)) <= set(one.sights)
    assert one.mask(20) is None
    assert not things.missing(40)


def test_another_thing_that_comes_later_is_another(clip):
    film = Film((back_again, lambda frame: None), length=50)
    frames = clip(film)
    things = of(frames)
    things.propose(0, [shown(film.masks(0)[0])])
    ground = np.zeros((180, 320), bool)
    ground[20:60, 240:290] = True
    things.propose(40, [shown(ground)])
    assert len(things.all) == 2


def test_covered_is_what_is_known_with_a_margin(clip):
    things = of(clip(TWO))
    assert not things.missing(5)
    things.propose(0, [shown(TWO.masks(0)[0])])
    covered = things.covered(20)
    assert (covered & TWO.masks(20)[0]).sum() > 0.97 * TWO.masks(20)[0].sum()
    assert not (covered & TWO.masks(20)[1]).any()
    assert covered.sum() > 1.2 * TWO.masks(20)[0].sum()


def test_a_better_sight_corrects_the_frames_about_it(clip):
    """Most of it was lost on the way; a later search shows the whole again."""
    things = of(clip(TWO), network=None, interval=50)
    things.propose(0, [shown(TWO.masks(0)[0])])
    near = range(5, 12)
    for t in near:
        piece = shrink(TWO.masks(t)[0], 12)
        things.all[0].sights[t] = Sight.of(piece.astype(np.float32), 0.5)
    things.propose(8, [shown(TWO.masks(8)[0])])
    (one,) = things.settle()
    assert min(overlap(one.mask(t), TWO.masks(t)[0]) for t in near) > 0.7
    assert sorted(one.sights) == list(range(40))


def test_a_worse_sight_corrects_nothing(clip):
    things = of(clip(TWO))
    things.propose(0, [shown(TWO.masks(0)[0])])
    before = things.all[0].mask(8)
    things.propose(8, [shown(shrink(TWO.masks(8)[0], 9))])
    assert np.array_equal(things.all[0].mask(8), before)


def test_doubles_and_what_was_seen_for_a_moment_are_no_things(clip):
    frames = clip(TWO)
    things = of(frames)
    things.propose(0, [shown(TWO.masks(0)[0])])
    (one,) = things.settle()
    double = Identity(one.known, one.way, dict(list(one.sights.items())[:20]), 0.3, [1.0])
    moment = Identity(one.known, one.way, dict.fromkeys(range(30, 37), one.sights[0]), 0.9, [1.0])
    things.all += [double, moment]
    assert things.settle() == [one]


def test_further_things_are_looked_at_less_often(clip):
    asked = []

    def network(picture):
        asked.append(1)
        return redness(picture)

    things = of(clip(TWO), network=network)
    things.propose(0, [shown(TWO.masks(0)[0])])
    first = len(asked)
    things.propose(0, [shown(TWO.masks(0)[1])])
    assert len(asked) - first <= 0.6 * first


def test_where_nothing_more_may_be_asked_nothing_is_corrected(clip):
    things = of(clip(TWO), asks=0)
    things.propose(0, [shown(TWO.masks(0)[0])])
    piece = Sight.of(shrink(TWO.masks(8)[0], 12).astype(np.float32), 0.5)
    things.all[0].sights[8] = piece
    things.propose(8, [shown(TWO.masks(8)[0])])
    assert things.all[0].sights[8] is piece


def thing_seen(things, frames, film):
    """Add a thing that is seen at some frames only."""
    things.propose(frames[0], [shown(film.masks(frames[0])[0])])
    (one,) = things.all
    one.sights.clear()
    for frame in frames:
        one.sights[frame] = Sight.of(film.masks(frame)[0].astype(np.float32), 0.9)
    return one


@pytest.mark.parametrize(
    ("seen", "looked", "frame"),
    [
        (range(40), [], None),
        ([*range(10), *range(30, 40)], [], 19),  # within: in the middle
        (range(20), [], 31),  # behind its end: soon after it
        (range(20, 40), [], 8),
        ([*range(12), *range(15, 40)], [], None),  # a moment
        ([*range(10), *range(24, 28)], [], 16),  # the longest first
        ([*range(10), *range(24, 28)], [16], 39),
        ([*range(10), *range(24, 28)], [16, 35], None),
    ],
)
def test_a_missing_thing_is_looked_for_in_its_longest_absence(clip, seen, looked, frame):
    things = of(clip(TWO))
    thing_seen(things, list(seen), TWO)
    assert things.absence(looked) == frame


def test_a_scrap_of_a_thing_counts_as_its_absence(clip):
    things = of(clip(TWO))
    one = thing_seen(things, list(range(40)), TWO)
    assert things.absence([]) is None
    for frame in range(14, 40):
        scrap = shrink(TWO.masks(frame)[0], 18)
        assert 0 < scrap.sum() < 0.2 * one.known.area
        one.sights[frame] = Sight.of(scrap.astype(np.float32), 0.9)
    assert things.absence([]) == 25


def test_a_better_sight_does_not_leave_scraps_where_more_was_known(clip, monkeypatch):
    things = of(clip(TWO))
    things.propose(0, [shown(TWO.masks(0)[0])])
    (one,) = things.all
    # Seen too small at one frame; what is followed from there comes to a scrap at the next.
    one.sights[20] = Sight.of(shrink(TWO.masks(20)[0], 4).astype(np.float32), 0.9)
    scrap = Sight.of(shrink(TWO.masks(21)[0], 18).astype(np.float32), 0.9)
    whole = Sight.of(TWO.masks(19)[0].astype(np.float32), 0.5)
    monkeypatch.setattr(identities, "follow", lambda *_, end, **__: {19: whole, 21: scrap})
    things.propose(20, [shown(TWO.masks(20)[0])])
    assert overlap(one.mask(20), TWO.masks(20)[0]) > 0.95
    assert one.sights[19] is whole
    assert overlap(one.mask(21), TWO.masks(21)[0]) > 0.85
