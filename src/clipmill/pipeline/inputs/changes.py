"""What became of the inputs of a workspace since its last run."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Video, text_id_for, video_id_for
from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Flags, Ints
from clipmill.sources import source_names
from clipmill.sources.columns import VideoRows

SHARP = 0.5
"""A source with less than this share of the videos of the last run may be a missing disk."""


@dataclass(frozen=True)
class Changes:
    """Numbers of videos, compared with the last run.

    Attributes:
        changed: At the same address, with another content: their rows are computed again.
        moved: At another address, with a content that is known: their rows are kept.
        new: At a new address, with a new content.
        gone: Contents that are not among the sources any more; their rows stay.
        reworded: Videos with another caption text, or one where there was none or none any more.
    """

    changed: int = 0
    moved: int = 0
    new: int = 0
    gone: int = 0
    reworded: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        """A line for people."""
        lines = (
            (self.changed, "changed: {} rows are computed again"),
            (self.moved, "moved or renamed: {} rows are kept"),
            (self.new, "new"),
            (self.gone, "no longer among the sources: {} rows are kept for when they come back"),
            (self.reworded, "with another caption: {} caption rows are made again"),
        )
        said = [
            f"{n} {'video' if n == 1 else 'videos'} {what.format('its' if n == 1 else 'their')}"
            for n, what in lines
            if n
        ]
        return "since the last run: " + "; ".join(said)


def changes_between(before: VideoList, now: VideoList) -> Changes:
    """Compare two lists whose videos are named by their content."""
    old, new = before.videos.table, now.videos.table
    # What the last run did not come to read says nothing of a change.
    known = np.flatnonzero(~_unread(old))
    at_address = _rows(new["uri"], old["uri"].take(known), known)
    of_content = _rows(new["video_id"], old["video_id"], np.arange(len(old)))
    here = at_address >= 0
    same = np.zeros(len(new), bool)
    same[here] = np.asarray(
        pc.equal(new["video_id"].filter(here), old["video_id"].take(at_address[here]))
    )
    moved = ~here & (of_content >= 0)
    was = np.where(here, at_address, of_content)
    stayed = np.flatnonzero(same | moved)
    gone = pc.or_(
        pc.is_in(old["video_id"], value_set=new["video_id"].combine_chunks()),
        pc.is_in(old["uri"], value_set=new["uri"].combine_chunks()),
    )
    return Changes(
        changed=int((here & ~same).sum()),
        moved=int(moved.sum()),
        new=int((~here & ~moved).sum()),
        gone=len(old) - int(pc.sum(gone).as_py() or 0),
        reworded=_reworded(old.take(was[stayed]), new.take(stayed)),
    )


def _rows(wanted: pa.ChunkedArray, known: pa.ChunkedArray, rows: Ints) -> Ints:
    """Return the row that each value is found in, -1 where it is in none."""
    places = pc.index_in(wanted.combine_chunks(), value_set=known.combine_chunks())
    places = pc.fill_null(places, -1).to_numpy()
    return np.where(places >= 0, np.append(rows, -1)[places], -1)


def _unread(videos: pa.Table) -> Flags:
    """Tell which videos have the id that they were listed with."""
    columns = [videos[name].to_pylist() for name in ("video_id", "relative_path", "source")]
    return np.array(
        [
            id_ == video_id_for(path, source=source)
            for id_, path, source in zip(*columns, strict=True)
        ],
        bool,
    )


def _reworded(old: pa.Table, new: pa.Table) -> int:
    """Count videos of which a text, or that of a part that both lists name, is another one.

    Args:
        old: Videos in the last run.
        new: The same ones now.
    """
    same = pc.and_(
        pc.equal(pc.fill_null(old["text"], ""), pc.fill_null(new["text"], "")),
        pc.and_(pc.is_null(old["spans"]), pc.is_null(new["spans"])),
    )
    rows = pa.array(np.flatnonzero(~np.asarray(same)))
    pairs = zip(VideoRows(old.take(rows)), VideoRows(new.take(rows)), strict=True)
    return sum(_is_reworded(was, now) for was, now in pairs)


def _is_reworded(old: Video, video: Video) -> bool:
    before = {(part.start, part.end, part.unit): part.text for part in old.spans}
    pairs = [(old.text, video.text)]
    for part in video.spans:
        key = (part.start, part.end, part.unit)
        pairs.append((before.get(key, part.text), part.text))
    return any(text_id_for(was) != text_id_for(now) for was, now in pairs)


def check_still_there(
    had: Mapping[str, int],
    now: VideoList,
    *,
    sources: tuple[SourceConfig, ...],
) -> None:
    """Refuse sources that hold far less than in the last run.

    Args:
        had: Videos of each source in the last run, see `count_by_source`.
        now: Videos as listed now.
        sources: Sources of this run.

    Raises:
        UsageError: One of the sources has shrunk sharply.
    """
    for path, count in count_by_source(now.videos.table["source"], sources).items():
        if count < SHARP * had.get(path, 0):
            raise UsageError(
                f"the source {path} holds {count} {'video' if count == 1 else 'videos'}, "
                f"{had[path]} in the last run. Nothing was changed. If a disk or a bucket is "
                "missing, bring it back; if they are gone on purpose, add --allow-fewer"
            )


def count_by_source(
    of_videos: pa.ChunkedArray, sources: tuple[SourceConfig, ...]
) -> dict[str, int]:
    """Return the number of videos by the path of their source.

    Args:
        of_videos: Name of the source of every video, string [n].
        sources: The sources that they were listed from.
    """
    counted = {pair["values"]: pair["counts"] for pair in pc.value_counts(of_videos).to_pylist()}
    names = source_names(sources)
    return {source.path: counted.get(name, 0) for source, name in zip(sources, names, strict=True)}
