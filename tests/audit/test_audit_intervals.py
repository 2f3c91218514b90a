"""Intervals hold the truth as often as they say."""

import numpy as np
import pytest
from audit_rows import population
from scipy.stats import binomtest

from clipmill.audit.draw import draw_from
from clipmill.audit.intervals import Weighted, ratio_of_good, weighted_sum, wilson

DRAWS = 2000


def test_a_large_population_gives_the_interval_of_scipy():
    for good, judged in ((0, 30), (1, 30), (29, 30), (30, 30), (71, 100)):
        mine = wilson(good, judged, 1 << 50)
        theirs = binomtest(good, judged).proportion_ci(method="wilson")
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_all_judged_leaves_no_doubt():
    assert wilson(3, 4, 4).low == wilson(3, 4, 4).high == 0.75


def test_one_stratum_has_its_own_interval():
    share = wilson(40, 50, 1000)
    total = weighted_sum([Weighted(1.0, share)])
    assert (total.low, total.high) == pytest.approx((share.low, share.high))


def test_the_yield_of_known_counts():
    kept, dropped = wilson(90, 100, 1000), wilson(10, 100, 9000)
    found = ratio_of_good([Weighted(1000, kept)], [Weighted(9000, dropped)])
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.low < 0.5 < found.high
    # Its ends are those of a census where everything was judged.
    census = ratio_of_good([Weighted(10, wilson(8, 10, 10))], [Weighted(10, wilson(2, 10, 10))])
    assert census is not None
    assert (census.low, census.value, census.high) == pytest.approx((0.8, 0.8, 0.8), abs=1e-6)


def test_nothing_good_among_the_dropped_is_no_proof_of_a_full_yield():
    kept, dropped = wilson(60, 60, 500), wilson(0, 60, 50_000)
    found = ratio_of_good([Weighted(500, kept)], [Weighted(50_000, dropped)])
    assert found is not None
    assert found.value == 1.0
    assert found.low < 0.25  # 50,000 x 6 % may well be good
    assert found.high == 1.0


def test_nothing_good_at_all_has_no_yield():
    none = wilson(0, 10, 100)
    assert ratio_of_good([Weighted(100, none)], [Weighted(100, none)]) is None


SHAPES = {
    # kept strata, dropped strata: (members, share that is good)
    "even": ([(1000, 0.85)], [(1001, 0.30)]),
    "few kept": ([(300, 0.95)], [(20_000, 0.05)]),
    "rarely good outside": ([(3100, 0.90)], [(9000, 0.01)]),
    "strict": ([(200, 0.99)], [(2000, 0.50)]),
    "strata": ([(900, 0.9)], [(5000, 0.02), (800, 0.4), (60, 0.7)]),
    "sources": ([(700, 0.95), (100, 0.5)], [(3000, 0.1), (2000, 0.3)]),
    "small": ([(120, 0.8)], [(130, 0.4)]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_intervals_of_200_hold_the_truth_in_about_95_of_100_draws(shape):
    """The real allocation and estimators; hypergeometric draws of known strata."""
    sides = SHAPES[shape]
    groups = {
        ("kept" if side == 0 else "dropped", f"s{k}" if side else "", f"source{k}"): members
        for side, strata in enumerate(sides)
        for k, (members, _) in enumerate(strata)
    }
    by = "source" if len(sides[0]) > 1 else "step"
    audit = draw_from(population(groups), audit_id="a", wanted=200, by=by)
    sizes = [(stratum.state, stratum.clips, stratum.drawn) for stratum in audit.strata]
    assert sum(count for *_, count in sizes) == 200
    truth = {members: round(members * share) for side in sides for members, share in side}
    assert len(truth) == len(sizes)
    kept_good = sum(truth[members] for state, members, _ in sizes if state == "kept")
    dropped_good = sum(truth[members] for state, members, _ in sizes if state == "dropped")
    kept_size = sum(members for state, members, _ in sizes if state == "kept")
    precision, share = kept_good / kept_size, kept_good / (kept_good + dropped_good)
    random = np.random.default_rng(7)
    held = np.zeros(2)
    for _ in range(DRAWS):
        parts = {"kept": [], "dropped": []}
        for state, members, count in sizes:
            good = int(random.hypergeometric(truth[members], members - truth[members], count))
            parts[state].append(Weighted(members, wilson(good, count, members)))
        found = weighted_sum([Weighted(p.weight / kept_size, p.share) for p in parts["kept"]])
        ratio = ratio_of_good(parts["kept"], parts["dropped"])
        assert ratio is not None
        held += found.low <= precision <= found.high, ratio.low <= share <= ratio.high
    rates = held / DRAWS
    assert (rates >= 0.93).all(), rates
    # Of a share near 1 there are a few outcomes only, and the interval of each may hold the truth.
    assert rates[1] <= 0.985, rates
