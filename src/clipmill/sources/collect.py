"""Turns the entries of sources into videos, parts of videos, or problems."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Span, video_id_for
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.columns import Collected, ProblemRows, VideoRows
from clipmill.sources.found import FoundFile

_Part = tuple[float, float | None, str]


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """An entry that is no video of its own.

    Attributes:
        found: The entry.
        source: Name of its source.
        state: See `SourceProblem`.
        reason: Likewise.
    """

    found: FoundFile
    source: str
    state: str
    reason: str


@dataclass
class Collector:
    """Videos of a run while sources are listed."""

    _videos: Collected = field(default_factory=lambda: Collected(VideoRows.schema))
    _left_out: list[_LeftOut] = field(default_factory=list)
    _places: dict[bytes, int] = field(default_factory=dict)
    _spans: dict[int, dict[_Part, Span]] = field(default_factory=dict)

    def take(self, found: FoundFile, source: str, counts: SourceCounts) -> None:
        """Take an entry for a video, a part of one, or for what is wrong with it."""
        if found.problem:
            self._leave(found, source, "noted" if found.is_text else "failed", found.problem)
            if found.is_text:
                counts.unread(found.problem, found.relative_path)
            else:
                counts.failed(found.problem, found.relative_path)
            return
        place = _place(found)
        at = self._places.get(place)
        if at is None:
            at = self._places[place] = len(self._videos)
            self._videos.append(_video(found, source))
            counts.videos += 1
            if found.span:
                self._spans[at] = {}
        elif not self._is_new_part(at, found):
            reason = f"same file as {self._videos.value(at, 'relative_path')}"
            if at in self._spans:
                reason += ", of which rows name parts" if found.span is None else ", same part"
            self._leave(found, source, "dropped", reason)
            counts.repeated += 1
            return
        if found.span:
            self._spans[at][_part(found.span)] = replace(found.span, text=found.text)
        if found.remark:
            self._leave(found, source, "noted", f"{found.remark}; the video is in the run")
            name = found.text_uri.rpartition("/")[2] or f"{found.relative_path}, {found.where}"
            counts.unread(found.remark.removeprefix(f"{name} "), name)
        counts.took(found)

    def _is_new_part(self, at: int, found: FoundFile) -> bool:
        spans = self._spans.get(at)
        return spans is not None and found.span is not None and _part(found.span) not in spans

    def _leave(self, found: FoundFile, source: str, state: str, reason: str) -> None:
        if found.text_uri:
            found = found._replace(uri=found.text_uri)
        self._left_out.append(_LeftOut(found, source, state, reason))

    def finished(self) -> VideoRows:
        """Return the videos, with their parts."""
        table = self._videos.table()
        if self._spans:
            table = _with_spans(table, self._spans)
        return VideoRows(table)

    def problems(self, videos: VideoRows) -> ProblemRows:
        """Return what was left out, each with an id that neither a video nor another one has."""
        rows = Collected(ProblemRows.schema)
        for row in self._described(videos):
            rows.append(row)
        return ProblemRows(rows.table())

    def _described(self, videos: VideoRows) -> Iterator[tuple[str, ...]]:
        taken = set(videos.table["video_id"].to_pylist()) if self._left_out else set()
        for entry in self._left_out:
            found = entry.found
            problem_id = video_id_for(found.relative_path, source=entry.source)
            number = 0
            while problem_id in taken:
                distinct = f"{found.relative_path}\0{found.where}" + "\0" * number
                problem_id = video_id_for(distinct, source=entry.source)
                number += 1
            taken.add(problem_id)
            reason = f"{found.where}: {entry.reason}" if found.where else entry.reason
            yield problem_id, found.relative_path, found.uri, entry.state, reason


def _place(found: FoundFile) -> bytes:
    """Return what is the same for two names of a file, in less room than its path takes."""
    path = found.real_path.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(path, digest_size=16).digest()


def _part(span: Span) -> _Part:
    return span.start, span.end, span.unit


def _video(found: FoundFile, source: str) -> tuple[Any, ...]:
    """Return the row of a video without parts."""
    path = found.relative_path
    video_id = video_id_for(path, source=source)
    return video_id, source, path, found.uri, found.size_bytes, found.text, found.stamp, None


def _with_spans(table: pa.Table, spans: dict[int, dict[_Part, Span]]) -> pa.Table:
    """Return videos with their parts, by row; captions are those of the parts then."""
    kind = VideoRows.schema.field("spans").type
    mine = pa.array([[asdict(span) for span in parts.values()] for parts in spans.values()], kind)
    rows = pc.index_in(pa.array(range(len(table)), pa.int64()), pa.array(list(spans), pa.int64()))
    text = pc.if_else(pc.is_valid(rows), pa.scalar(None, pa.string()), table["text"])
    table = table.set_column(table.column_names.index("text"), "text", text)
    return table.set_column(table.column_names.index("spans"), "spans", mine.take(rows))
