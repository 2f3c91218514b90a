"""All sources of a run as one list of videos, in a fixed order."""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clipmill.clips import Video, video_id_for
from clipmill.config.models import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources.folder import FoundFile, list_local, list_remote
from clipmill.sources.datasets.json_layouts import list_opens2v, list_vidgen
from clipmill.sources.detect import find_kind
from clipmill.sources.datasets.layouts import list_hugging_face, list_openvid
from clipmill.sources.manifest import open_source
from clipmill.sources.readers.rows import Columns
from clipmill.sources.webdataset import list_webdataset


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """An entry of a source that cannot be a video of the run.

    Attributes:
        video_id: Id it would have had; another one when a video or problem has that already.
        relative_path: Path relative to its source root, or the line of a manifest without one.
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
    """Videos of all sources and the entries left out.

    Ordered by source, then by path in a folder and by row in a manifest.
    """

    videos: tuple[Video, ...]
    problems: tuple[SourceProblem, ...]


def list_sources(sources: Sequence[SourceConfig]) -> Listing:
    """List every source.

    A file that two names, links or rows lead to is one video: the first name in the order of the
    source stands, the others are problems of state `dropped`. What is wrong with one row of a
    manifest is a problem of state `failed`.

    Raises:
        UsageError: A source does not exist or cannot be read at all, or two sources have the
            same name.
    """
    names = _source_names(sources)
    videos: list[Video] = []
    left_out: list[tuple[FoundFile, str, str | None]] = []
    first_names: dict[str, str] = {}
    with _no_collection():
        for source, name in zip(sources, names, strict=True):
            for found in _list_one(source):
                first = None if found.problem else first_names.get(found.real_path)
                if found.problem or first is not None:
                    left_out.append((found, name, first))
                    continue
                path = first_names[found.real_path] = found.relative_path
                video_id = video_id_for(path, source=name)
                videos.append(Video(video_id, name, path, found.uri, found.size_bytes, found.text))
    return Listing(tuple(videos), tuple(_problems(left_out, videos)))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the garbage collector: it would walk millions of new objects, none of them garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _problems(
    left_out: Sequence[tuple[FoundFile, str, str | None]], videos: Sequence[Video]
) -> Iterator[SourceProblem]:
    """Describe what was left out, each with an id that neither a video nor another one has.

    Args:
        left_out: Entry, name of its source, and name of the same file where that stands.
        videos: All videos of the run.
    """
    taken = {video.video_id for video in videos} if left_out else set()
    for found, source, first in left_out:
        problem_id = video_id_for(found.relative_path, source=source)
        number = 0
        while problem_id in taken:
            distinct = f"{found.relative_path}\0{found.where}" + "\0" * number
            problem_id = video_id_for(distinct, source=source)
            number += 1
        taken.add(problem_id)
        state, reason = "failed", found.problem
        if first is not None:
            state, reason = "dropped", f"same file as {first}"
        if found.where:
            reason = f"{found.where}: {reason}"
        yield SourceProblem(problem_id, found.relative_path, found.uri, state, reason)


_LAYOUTS: dict[str, Callable[[str, str, Columns], Iterator[FoundFile]]] = {
    "openvid": list_openvid,
    "vidgen": list_vidgen,
    "opens2v": list_opens2v,
    "huggingface": list_hugging_face,
}


def _list_one(source: SourceConfig) -> Iterable[FoundFile]:
    columns = Columns(source.path_column, source.caption_column)
    kind = find_kind(source)
    if kind in _LAYOUTS:
        return _LAYOUTS[kind](source.path, source.root, columns)
    if kind == "webdataset":
        return list_webdataset(source.path, columns)
    if kind != "folder":
        return open_source(source.path, kind, source.root, columns).files()
    if "://" in source.path:
        return list_remote(source.path)
    return list_local(Path(source.path))


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
