"""From listed files to contents: which video a file is, and which files are copies of another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Video, video_id_of
from clipmill.store.annotations import AnnotationTable


@dataclass(frozen=True)
class Identified:
    """Listed videos, each named by its content where that is known.

    Attributes:
        videos: In their order. Copies, and files that are not probed or cannot be, keep the id
            that they were listed with.
        copies: Files whose content an earlier one has, and that one, by the `file_id` of the copy.
    """

    videos: tuple[Video, ...]
    copies: Mapping[str, Video]


def contents_of(probe: AnnotationTable) -> dict[str, str]:
    """Return the content digest of every file that was probed, by `file_id`."""
    return contents_in(probe.columns(["content"]))


def contents_in(rows: pa.Table) -> dict[str, str]:
    """Return the content digests of `probe` rows that are ok, by `file_id`."""
    rows = rows.filter(pc.is_valid(rows["content"]))
    return dict(zip(rows["key"].to_pylist(), rows["content"].to_pylist(), strict=True))


def identify(files: Mapping[str, Video], contents: Mapping[str, str]) -> Identified:
    """Name videos by their content.

    Of files with the same content the first in the listing stands for all; where it has no
    caption and no parts with captions, it takes those of the first copy that has some.

    Args:
        files: Videos as listed, by `file_id`, in order.
        contents: See `contents_of`.
    """
    found: list[Video] = []
    places: dict[str, int] = {}
    copies: dict[str, int] = {}
    for file_id, video in files.items():
        content = contents.get(file_id)
        if content is None:
            found.append(video)
            continue
        video_id = video_id_of(content)
        place = places.setdefault(video_id, len(found))
        if place < len(found):
            copies[file_id] = place
            if not (found[place].text or found[place].spans):
                found[place] = replace(found[place], text=video.text, spans=video.spans)
            found.append(video)
            continue
        if video.video_id == video_id:
            found.append(video)
            continue
        found.append(
            Video(
                video_id,
                video.source,
                video.relative_path,
                video.uri,
                video.size_bytes,
                video.text,
                video.stamp,
                video.spans,
            )
        )
    return Identified(tuple(found), {copy: found[place] for copy, place in copies.items()})
