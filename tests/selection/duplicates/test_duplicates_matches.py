"""Clips that show the same are found among many, at any shift, mirrored, and as a part."""

import numpy as np

from clipmill.selection.duplicates import hypotheses, matches, neighbours, view_columns
from clipmill.selection.duplicates.fingerprints import Fingerprints, in_memory, looked_rows
from clipmill.selection.duplicates.matches import find_matches
from clipmill.selection.duplicates.neighbours import near_hashes

MIRROR = np.uint64(0xAAAAAAAAAAAAAAAA)
RNG = np.random.default_rng(7)


def random_hashes(*shape):
    return RNG.integers(0, 2**64, shape, dtype=np.uint64)


def noisy(hashes, flips):
    """Flip a few bits of each hash."""
    result = hashes.copy()
    for _ in range(flips):
        result ^= np.uint64(1) << RNG.integers(0, 64, hashes.shape, dtype=np.uint64)
    return result


def prints(clips, motions=None, step=0.25):
    """Return the hashes [F, V] of clips; motion is another hash of them when not given."""
    motions = motions or [clip * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1) for clip in clips]
    counts = np.array([len(clip) for clip in clips])
    seconds = np.concatenate([np.arange(count) * step for count in counts]).astype(np.float32)
    every = in_memory(counts, seconds, np.concatenate(clips), np.concatenate(motions))
    return Fingerprints.of(counts, MIRROR, every)


def found(fingerprints, distance=12.0, overlap=0.5):
    matches = find_matches(fingerprints, distance=distance, overlap=overlap)
    return list(zip(matches.one.tolist(), matches.two.tolist(), strict=True)), matches


def test_near_hashes_are_found_among_many():
    hashes = random_hashes(20_000)
    hashes[19_000:] = noisy(hashes[:1000], 3)
    pairs = {
        tuple(sorted(pair))
        for one, two in near_hashes([hashes], distance=8)
        for pair in zip(one.tolist(), two.tolist(), strict=True)
    }
    assert len(pairs & {(n, 19_000 + n) for n in range(1000)}) >= 990


def test_hashes_in_parts_give_the_pairs_of_all_at_once(monkeypatch):
    hashes = random_hashes(2000)
    hashes[1000:] = noisy(hashes[:1000], 2)

    def pairs():
        return {
            tuple(sorted(pair))
            for one, two in near_hashes([hashes], distance=4)
            for pair in zip(one.tolist(), two.tolist(), strict=True)
        }

    whole = pairs()
    monkeypatch.setattr(neighbours, "PART", 256)
    assert len(pairs() ^ whole) <= 0.05 * len(whole)
    assert {(n, n + 1000) for n in range(1000)} <= whole | pairs()


def test_copies_are_found_and_others_are_not():
    clips = [random_hashes(12, 3) for _ in range(40)]
    clips += [noisy(clips[3], 2), noisy(clips[9][3:10], 2)]
    pairs, matches = found(prints(clips, [clip.copy() for clip in clips]))
    assert pairs == [(3, 40), (9, 41)]
    assert (matches.distance < 4).all()
    assert not matches.mirrored.any() and not matches.cropped.any()


def test_a_mirrored_copy_and_a_cropped_one_are_told():
    clips = [random_hashes(12, 3) for _ in range(10)]
    part = random_hashes(12, 3)
    part[:, 0] = clips[2][:, 1]
    clips += [clips[1] ^ MIRROR, part]
    pairs, matches = found(prints(clips, [clip.copy() for clip in clips]))
    assert pairs == [(1, 10), (2, 11)]
    assert matches.mirrored.tolist() == [True, False]
    assert matches.cropped.tolist() == [False, True]


def test_one_scene_at_two_moments_moves_differently():
    scene = np.repeat(random_hashes(1, 3), 12, axis=0)
    moving = [random_hashes(12, 3) for _ in range(2)]
    pairs, _ = found(prints([scene, noisy(scene, 1)], moving))
    assert not pairs
    pairs, _ = found(prints([scene, noisy(scene, 1)], [moving[0], noisy(moving[0], 2)]))
    assert pairs == [(0, 1)]


def test_a_still_scene_must_be_closer():
    scene = np.repeat(random_hashes(1, 1), 12, axis=0)
    still = np.zeros_like(scene)
    mask = np.uint64((1 << 9) - 1)
    pairs, _ = found(prints([scene, scene ^ mask], [still, still]))
    assert not pairs
    pairs, _ = found(prints([scene, scene ^ np.uint64(7)], [still, still]))
    assert pairs == [(0, 1)]


def test_too_little_in_common_is_no_match():
    one, two = random_hashes(12, 1), random_hashes(12, 1)
    two[:5] = one[7:]
    pairs, _ = found(prints([one, two], [one, two]), overlap=0.6)
    assert not pairs
    pairs, _ = found(prints([one, two], [one, two]), overlap=0.4)
    assert pairs == [(0, 1)]


def test_no_clip_and_no_hash_are_no_match():
    none = np.zeros((0, 1), np.uint64)
    assert found(prints([none, none]))[0] == []
    assert found(prints([random_hashes(5, 1)]))[0] == []


def crowd():
    """Clips, with copies of some: trimmed, mirrored, and parts of others."""
    clips = [random_hashes(9 + n % 5, 4) for n in range(60)]
    clips += [noisy(clips[n][2:], 2) for n in range(10)]
    clips += [noisy(clips[n], 2) ^ MIRROR for n in range(10, 20)]
    for n in range(20, 35):
        part = random_hashes(*clips[n].shape)
        part[:, 0] = noisy(clips[n][:, 1 + n % 3], 2)
        clips.append(part)
    return clips


def test_little_at_a_time_gives_the_same_as_all_at_once(monkeypatch):
    clips = crowd()
    motions = [clip.copy() for clip in clips]
    pairs, whole = found(prints(clips, motions))
    assert set(pairs) == {(n, 60 + n) for n in range(35)}
    assert whole.cropped.sum() == 15 and whole.mirrored.sum() == 10
    monkeypatch.setattr(hypotheses, "_MERGE", 1)
    monkeypatch.setattr(view_columns, "_AT_ONCE", 1)
    monkeypatch.setattr(matches, "_AT_ONCE", 1)
    _, bits = found(prints(clips, motions))
    for name in ("one", "two", "distance", "share", "mirrored", "cropped"):
        assert np.array_equal(getattr(whole, name), getattr(bits, name)), name


def test_parts_are_read_of_those_clips_alone_that_another_may_be_a_part_of():
    clips = crowd()
    every = prints(clips, [clip.copy() for clip in clips])
    asked = []

    def read(wanted):
        asked.append(wanted.tolist())
        return every.read(wanted)

    watched = Fingerprints.of(every.counts, MIRROR, read)
    assert asked == [list(range(len(clips)))]
    found(watched)
    assert asked[1:] == [list(range(20, 35))]


def test_frames_whose_parts_are_looked_up_begin_each_clip():
    counts = np.array([0, 1, 4, 5, 9])
    assert looked_rows(counts).tolist() == [0, 1, 5, 9, 10, 14, 18]
    every = prints([random_hashes(count, 3) for count in counts])
    assert every.parts.shape == (2, 7)
    assert np.array_equal(every.whole[every.looked][1:3], every.whole[[1, 5]])
    for clip, _, hashes, _ in every.read(np.array([4])):
        assert clip == 4
        assert np.array_equal(every.parts[:, 4:], hashes[::4, 1:].T)
