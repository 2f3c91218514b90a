"""What counts now, out of everything that was ever said."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import pyarrow as pa

from clipmill.clips import Clip
from clipmill.review.judgement import Judgement
from clipmill.store.integrity import Damage

LEAST_COVER: Final = 0.5
"""A judgement counts for every clip of its video of whose frames it covers at least this share."""

HumanVerdict = Literal["", "keep", "drop", "conflict"]


@dataclass(frozen=True)
class Conflict:
    """Where people disagree.

    Attributes:
        clip: The clip.
        about: `verdict` or `caption`.
        rows: The last word of each, oldest first.
    """

    clip: Clip
    about: Literal["verdict", "caption"]
    rows: tuple[Judgement, ...]


@dataclass(frozen=True)
class ClipReview:
    """What counts for one clip.

    Attributes:
        clip: The clip; not necessarily one that was judged.
        said: Last `keep` or `drop` of each person, oldest first.
        stars: Who starred it.
        tagged: Tags, oldest first.
        captions: Last caption of the whole clip of each person, oldest first.
        sample_captions: The same for samples that begin at a frame of the video.
        objects: Objects that were dropped.
        notes: Notes, oldest first.
    """

    clip: Clip
    said: tuple[Judgement, ...] = ()
    stars: tuple[Judgement, ...] = ()
    tagged: tuple[Judgement, ...] = ()
    captions: tuple[Judgement, ...] = ()
    sample_captions: Mapping[int, tuple[Judgement, ...]] = field(default_factory=dict)
    objects: tuple[Judgement, ...] = ()
    notes: tuple[Judgement, ...] = ()

    @property
    def verdict(self) -> HumanVerdict:
        """What people say together; empty where nobody said anything."""
        kinds = {row.kind for row in self.said}
        if kinds == {"keep", "drop"}:
            return "conflict"
        return "keep" if kinds == {"keep"} else "drop" if kinds else ""

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, sorted, each once."""
        return tuple(sorted({row.value for row in self.tagged}))

    def caption_at(self, frame: int) -> Judgement | None:
        """Return the caption of a sample that begins at a frame of the video; the newest counts."""
        rows = self.sample_captions.get(frame) or self.captions
        return rows[-1] if rows else None

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Where people disagree about it."""
        found = [Conflict(self.clip, "verdict", self.said)] if self.verdict == "conflict" else []
        for rows in (self.captions, *self.sample_captions.values()):
            if len({row.value for row in rows}) > 1:
                found.append(Conflict(self.clip, "caption", rows))
        return tuple(found)


class ReviewState:
    """Judgements as they stand.

    Args:
        rows: All that were ever made, in any order; the same one may be there twice.
        damages: Files of which lines are lost.
        newer: Rows of a later version of clipmill.
        stamps: What changes with the files that it was read of, by name.
    """

    def __init__(
        self,
        rows: Iterable[Judgement],
        *,
        damages: Sequence[Damage] = (),
        newer: int = 0,
        stamps: Mapping[str, str] | None = None,
    ) -> None:
        once = {row.id: row for row in rows}
        ordered = sorted(once.items(), key=lambda entry: (entry[1].when, entry[0]))
        self._rows: dict[str, Judgement] = dict(ordered)
        self.damages, self.newer = tuple(damages), newer
        self.stamps: Mapping[str, str] = dict(stamps or {})

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> Mapping[str, Judgement]:
        """Everything that was ever said, by id, oldest first."""
        return self._rows

    @cached_property
    def undone(self) -> frozenset[str]:
        """Ids of what was taken back; an undo that was taken back itself takes nothing back."""
        by: dict[str, list[str]] = defaultdict(list)
        for name, row in self._rows.items():
            if row.kind == "undo":
                by[row.value].append(name)
        counts: dict[str, bool] = {}
        for start in by:
            stack = [start]
            while stack:
                name = stack[-1]
                # An id depends on what its row takes back, so rows cannot take each other back.
                waiting = [undo for undo in by.get(name, ()) if undo not in counts]
                if waiting:
                    stack += waiting
                    continue
                counts[stack.pop()] = not any(counts[undo] for undo in by.get(name, ()))
        return frozenset(name for name, held in counts.items() if not held)

    @cached_property
    def standing(self) -> Mapping[str, Judgement]:
        """What counts, by id, oldest first; without undos."""
        gone = self.undone
        return {
            name: row for name, row in self._rows.items() if row.kind != "undo" and name not in gone
        }

    @cached_property
    def _by_video(self) -> dict[str, list[Judgement]]:
        found: dict[str, list[Judgement]] = defaultdict(list)
        for row in self.standing.values():
            found[row.video_id].append(row)
        return dict(found)

    @property
    def video_ids(self) -> list[str]:
        """Videos of which something counts."""
        return list(self._by_video)

    def of_video(self, video_id: str) -> tuple[Judgement, ...]:
        """Return what counts of a video, oldest first."""
        return tuple(self._by_video.get(video_id, ()))

    def of_clip(self, clip: Clip) -> ClipReview:
        """Return what counts for a clip; see `LEAST_COVER`.

        Where a person has judged several ranges that hold it, what fits best counts, then what was
        said last.
        """
        rows = self._by_video.get(clip.video_id)
        if not rows:
            return ClipReview(clip)
        about = [row for row in rows if _cover(row, clip) >= LEAST_COVER]
        whole = [row for row in about if row.anchor is None]
        inside = [row for row in rows if row.kind == "caption" and _is_in(row, clip)]
        frames = sorted({row.anchor for row in inside if row.anchor is not None})
        return ClipReview(
            clip,
            said=_last_words((row for row in whole if row.kind in ("keep", "drop")), clip),
            stars=tuple(row for row in about if row.kind == "star"),
            tagged=tuple(row for row in about if row.kind == "tag"),
            captions=_last_words((row for row in whole if row.kind == "caption"), clip),
            sample_captions={
                frame: _last_words((row for row in inside if row.anchor == frame), clip)
                for frame in frames
            },
            objects=tuple(r for r in rows if r.kind == "drop_object" and _is_in(r, clip)),
            notes=tuple(row for row in about if row.kind == "note"),
        )

    @cached_property
    def clips(self) -> tuple[Clip, ...]:
        """Clips as they were judged, sorted."""
        return tuple(sorted({row.clip for row in self.standing.values()}))

    def conflicts(self) -> Iterator[Conflict]:
        """Yield where people disagree, by clip; each disagreement once."""
        told: set[tuple[str, ...]] = set()
        for clip in self.clips:
            for conflict in self.of_clip(clip).conflicts:
                names = tuple(row.id for row in conflict.rows)
                if names not in told:
                    told.add(names)
                    yield conflict

    def table(self, clips: Sequence[Clip] | None = None) -> pa.Table:
        """Return what counts, a row per clip: see `STATE`.

        Args:
            clips: Which; those that were judged when None.
        """
        found = [self.of_clip(clip) for clip in (self.clips if clips is None else clips)]
        return pa.Table.from_pylist([_as_row(review) for review in found], schema=STATE)


def judgements_of(state: ReviewState, video_id: str, clip: Clip | None) -> list[Judgement]:
    """Return what counts of a video, or of those of its clips that share frames with one."""
    rows = state.of_video(video_id)
    return [row for row in rows if clip is None or _shared(row, clip)]


STATE: Final = pa.schema(
    [
        ("clip_id", pa.string()),
        ("video_id", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("verdict", pa.string()),  # keep, drop, conflict, or empty
        ("who", pa.list_(pa.string())),  # of the verdict
        ("when", pa.string()),  # the last of them
        ("star", pa.bool_()),
        ("tags", pa.list_(pa.string())),
        ("caption", pa.string()),  # null when it was not corrected
        ("notes", pa.int64()),
        ("objects_dropped", pa.int64()),
        ("conflicts", pa.int64()),
    ]
)
"""Columns of `ReviewState.table`."""


def _as_row(review: ClipReview) -> dict[str, object]:
    clip = review.clip
    return {
        "clip_id": clip.clip_id,
        "video_id": clip.video_id,
        "start": clip.start,
        "end": clip.end,
        "verdict": review.verdict,
        "who": [row.who for row in review.said],
        "when": review.said[-1].when if review.said else "",
        "star": bool(review.stars),
        "tags": list(review.tags),
        "caption": review.captions[-1].value if review.captions else None,
        "notes": len(review.notes),
        "objects_dropped": len({(r.object_id, r.anchor, r.box) for r in review.objects}),
        "conflicts": len(review.conflicts),
    }


def _shared(row: Judgement, clip: Clip) -> int:
    return max(0, min(row.end, clip.end) - max(row.start, clip.start))


def _cover(row: Judgement, clip: Clip) -> float:
    """Return the share of a clip's frames that were judged."""
    return _shared(row, clip) / clip.num_frames


def _fit(row: Judgement, clip: Clip) -> float:
    """Return how well what was judged is the clip: 1 where it is."""
    shared = _shared(row, clip)
    return shared / (row.end - row.start + clip.num_frames - shared)


def _is_in(row: Judgement, clip: Clip) -> bool:
    return row.anchor is not None and clip.start <= row.anchor < clip.end


def _last_words(rows: Iterable[Judgement], clip: Clip) -> tuple[Judgement, ...]:
    """Return the row of each person that counts, oldest first."""
    best: dict[str, Judgement] = {}
    for row in rows:  # by time
        if row.who not in best or _fit(row, clip) >= _fit(best[row.who], clip):
            best[row.who] = row
    return tuple(sorted(best.values(), key=lambda row: (row.when, row.id)))
