"""Following a thing whose place in every frame is known, with a network that sees it."""

import cv2
import numpy as np
import pytest
from red_ball import Film, film_store, redness, straight

from clipmill.annotations.objects.propagation.appearance import Appearance
from clipmill.annotations.objects.propagation.follow import Following, follow
from clipmill.annotations.objects.propagation.ration import Ration
from clipmill.annotations.objects.propagation.sight import Sight
from clipmill.vision.masks import overlap

MOVING = Film((straight(60, 90, 3),), length=40)
HIDDEN = Film((straight(50, 90, 3),), length=70, pillar=(120, 190))
LEAVING = Film((straight(250, 90, 4),), length=50)


def gone_for_a_while(frame):
    return None if 12 <= frame < 24 else (100 + frame, 90)


AWAY = Film((gone_for_a_while,), length=40)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return film_store(tmp_path_factory.mktemp("follow"))


def followed(clip, film, *, start=0, end=None, network=redness, interval=4, **options):
    frames = clip(film)
    mask = film.masks(start)[0]
    lab = np.asarray(cv2.cvtColor(frames.small(start), cv2.COLOR_RGB2LAB))
    known = Appearance(lab, mask)
    ration = None if network is None else Ration(network, options.pop("asks", 1000))
    way = Following(interval, ration, options.pop("check", lambda: None))
    sight = Sight.of(mask.astype(np.float32), 0.9)
    end = film.length - 1 if end is None else end
    return follow(frames, start, sight, known, way, end=end, **options)


def overlaps(film, sights):
    return {t: overlap(sight.mask, film.masks(t)[0]) for t, sight in sights.items()}


@pytest.mark.parametrize("network", [redness, None], ids=["network", "colours alone"])
@pytest.mark.parametrize(("start", "end"), [(0, 39), (39, 0)], ids=["ahead", "back"])
def test_a_thing_is_followed_both_ways(clip, start, end, network):
    sights = followed(clip, MOVING, start=start, end=end, network=network)
    assert sorted(sights) == [t for t in range(40) if t != start]
    found = overlaps(MOVING, sights)
    assert np.mean(list(found.values())) > (0.93 if network else 0.8)
    assert min(found.values()) > (0.85 if network else 0.65)


def test_looks_are_surer_than_what_flows_between_them(clip):
    sights = followed(clip, MOVING)
    looks = [sights[t].confidence for t in range(4, 40, 4)]
    assert min(looks) > 0.95
    assert all(0 <= sight.confidence <= 1 for sight in sights.values())


def test_the_network_is_asked_at_every_interval_and_at_the_end(clip):
    asked = []

    def network(picture):
        asked.append(1)
        return redness(picture)

    followed(clip, MOVING, network=network, interval=8)
    assert len(asked) == 5


def test_nothing_is_seen_of_a_thing_that_is_hidden(clip):
    sights = followed(clip, HIDDEN, end=40)
    areas = [HIDDEN.masks(t)[0].sum() for t in range(41)]
    whole = areas[0]
    seen = set(sights)
    assert {t for t in range(1, 41) if areas[t] > 0.5 * whole} <= seen
    assert not seen & {t for t in range(41) if areas[t] == 0}


def test_it_is_searched_for_about_the_place_where_it_was_lost_and_found_again(clip):
    sights = followed(clip, AWAY)
    assert not set(sights) & set(range(12, 24))
    back = [t for t in sights if t >= 24]
    assert min(back) <= 24 + 4, "the first look after it is back"
    assert sorted(back) == list(range(min(back), 40))
    assert min(overlap for t, overlap in overlaps(AWAY, sights).items()) > 0.85


def test_without_a_network_a_lost_thing_is_left_to_the_next_search(clip):
    sights = followed(clip, AWAY, network=None)
    assert set(range(1, 12)) <= set(sights)
    assert not set(sights) & set(range(14, 40))


def test_an_exit_ends_it_within_three_frames(clip):
    sights = followed(clip, LEAVING)
    last = max(t for t in range(50) if LEAVING.masks(t)[0].any())
    assert abs(max(sights) - last) <= 3
    assert sorted(sights) == list(range(1, max(sights) + 1))


def test_and_backwards_an_entry_begins_it(clip):
    entering = Film((straight(-88, 90, 3),), length=50)
    sights = followed(clip, entering, start=49, end=0)
    first = min(t for t in range(50) if entering.masks(t)[0].any())
    assert abs(min(sights) - first) <= 4


def test_following_again_ends_where_it_agrees_with_before(clip):
    before = followed(clip, MOVING)
    again = followed(clip, MOVING, start=10, until=before)
    assert len(again) < 5


def test_the_deadline_is_asked_at_every_frame(clip):
    asked = []
    followed(clip, MOVING, check=lambda: asked.append(1))
    assert len(asked) == 39


def test_same_bytes_again(clip):
    first, second = followed(clip, HIDDEN, end=40), followed(clip, HIDDEN, end=40)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[t].levels, second[t].levels) for t in first)


def test_where_nothing_more_may_be_asked_looks_are_rare(clip):
    asked = []

    def network(picture):
        asked.append(1)
        return redness(picture)

    sights = followed(clip, MOVING, network=network, asks=0)
    assert 39 // 8 <= len(asked) <= 39 // 8 + 2
    assert np.mean(list(overlaps(MOVING, sights).values())) > 0.85
