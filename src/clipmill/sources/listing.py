"""All sources of a run as one list of videos, in a fixed order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipmill.clips import Video, video_id_for
from clipmill.config.models import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources.folder import FoundFile, list_local, list_remote


@dataclass(frozen=True)
class SourceProblem:
    """An entry of a source that cannot be a video of the run.

    Attributes:
        video_id: Id it would have had.
        relative_path: Path relative to its source root.
        uri: Absolute path or URL.
        state: `dropped` (a second name of the same file) or `failed` (cannot be read).
        reason: One line.
    """

    video_id: str
    relative_path: str
    uri: str
    state: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Videos of all sources, ordered by source and path, and the entries left out."""

    videos: tuple[Video, ...]
    problems: tuple[SourceProblem, ...]


def list_sources(sources: Sequence[SourceConfig]) -> Listing:
    """List every source.

    A file that two names or links lead to is one video: the first name in path order stands,
    the others are problems of state `dropped`.

    Raises:
        UsageError: A source does not exist, or two sources have the same name.
    """
    names = _source_names(sources)
    videos: list[Video] = []
    problems: list[SourceProblem] = []
    first_names: dict[str, str] = {}
    for source, name in zip(sources, names, strict=True):
        for found in _list_one(source):
            video_id = video_id_for(found.relative_path, source=name)
            state, reason = "", found.problem
            if reason:
                state = "failed"
            elif found.real_path in first_names:
                state, reason = "dropped", f"same file as {first_names[found.real_path]}"
            if state:
                problems.append(
                    SourceProblem(video_id, found.relative_path, found.uri, state, reason)
                )
                continue
            first_names[found.real_path] = found.relative_path
            videos.append(
                Video(video_id, name, found.relative_path, found.uri, found.size_bytes, found.text)
            )
    return Listing(tuple(videos), tuple(problems))


def _list_one(source: SourceConfig) -> list[FoundFile]:
    return list_remote(source.path) if "://" in source.path else list_local(Path(source.path))


def _source_names(sources: Sequence[SourceConfig]) -> list[str]:
    """Names of the sources; a single unnamed source stays unnamed."""
    if len(sources) == 1:
        return [sources[0].name]
    names = [s.name or Path(s.path.rstrip("/")).name for s in sources]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(
            f"two sources are called '{twice[0]}'; give each its own `name` in the pipeline file"
        )
    return names
