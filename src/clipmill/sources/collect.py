"""Turns the entries of sources into videos, parts of videos, or problems."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from clipmill.clips import Span, Video, video_id_for
from clipmill.sources.counts import SourceCounts
from clipmill.sources.found import FoundFile

_Part = tuple[float, float | None, str]


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """An entry of a source that cannot be a video of the run, or a caption that cannot be used.

    Attributes:
        video_id: Id it would have had; another one when a video or problem has that already.
        relative_path: Path relative to its source root, or the line of a manifest without one.
        uri: Absolute path or URL.
        state: `dropped` (a second name of the same file), `failed` (cannot be read) or `noted`
            (its caption is not used; the video of that path is in the run).
        reason: One line.
    """

    video_id: str
    relative_path: str
    uri: str
    state: str
    reason: str


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

    _videos: list[Video] = field(default_factory=list)
    _left_out: list[_LeftOut] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
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
        at = self._places.get(found.real_path)
        if at is None:
            at = self._places[found.real_path] = len(self._videos)
            self._videos.append(_video(found, source))
            counts.videos += 1
            if found.span:
                self._spans[at] = {}
        elif not self._is_new_part(at, found):
            reason = f"same file as {self._videos[at].relative_path}"
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

    def finished(self) -> tuple[Video, ...]:
        """Return the videos, with their parts."""
        for at, spans in self._spans.items():
            self._videos[at] = replace(self._videos[at], text=None, spans=tuple(spans.values()))
        return tuple(self._videos)

    def problems(self, videos: Sequence[Video]) -> Iterator[SourceProblem]:
        """Describe what was left out, each with an id that neither a video nor another one has."""
        taken = {video.video_id for video in videos} if self._left_out else set()
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
            yield SourceProblem(problem_id, found.relative_path, found.uri, entry.state, reason)


def _part(span: Span) -> _Part:
    return span.start, span.end, span.unit


def _video(found: FoundFile, source: str) -> Video:
    video_id = video_id_for(found.relative_path, source=source)
    path = found.relative_path
    return Video(video_id, source, path, found.uri, found.size_bytes, found.text, found.stamp)
