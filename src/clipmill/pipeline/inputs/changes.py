"""What became of the inputs of a workspace since its last run."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from clipmill.clips import Video, text_id_for, video_id_for
from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.sources import source_names

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
    # What the last run did not come to read says nothing of a change.
    known = {video.uri: video for video in before.videos if not _unread(video)}
    contents = {video.video_id: video for video in before.videos}
    counts: Counter[str] = Counter()
    for video in now.videos:
        old = known.get(video.uri)
        if old is not None and old.video_id != video.video_id:
            counts["changed"] += 1
        elif old is None:
            old = contents.get(video.video_id)
            counts["new" if old is None else "moved"] += 1
        counts["reworded"] += old is not None and _reworded(old, video)
    left = {video.video_id for video in now.videos}
    addresses = {video.uri for video in now.videos}
    counts["gone"] = sum(
        video.video_id not in left and video.uri not in addresses for video in before.videos
    )
    return Changes(**counts)


def _unread(video: Video) -> bool:
    return video.video_id == video_id_for(video.relative_path, source=video.source)


def _reworded(old: Video, video: Video) -> bool:
    """Tell whether a text of the same video, or of a part that both lists name, is another one."""
    if old.video_id != video.video_id:
        return False
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
    names = [video.source for video in now.videos]
    for path, count in count_by_source(names, sources).items():
        if count < SHARP * had.get(path, 0):
            raise UsageError(
                f"the source {path} holds {count} {'video' if count == 1 else 'videos'}, "
                f"{had[path]} in the last run. Nothing was changed. If a disk or a bucket is "
                "missing, bring it back; if they are gone on purpose, add --allow-fewer"
            )


def count_by_source(of_videos: Iterable[str], sources: tuple[SourceConfig, ...]) -> dict[str, int]:
    """Return the number of videos by the path of their source.

    Args:
        of_videos: Name of the source of every video.
        sources: The sources that they were listed from.
    """
    counted = Counter(of_videos)
    names = source_names(sources)
    return {source.path: counted[name] for source, name in zip(sources, names, strict=True)}
