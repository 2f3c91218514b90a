"""Folders of videos behind an fsspec URL."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clipmill.clips import stamp_of_entry
from clipmill.errors import UsageError
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.accounting.leftout import LEFTOVER, LEFTOVERS, count_others
from clipmill.sources.found import FoundFile, is_leftover, is_video
from clipmill.sources.readers.captions import MAX_CAPTION_BYTES, Caption, text_caption
from clipmill.sources.sidecars import sidecar_texts, stem_of, with_text

_TEXTS_AT_ONCE = 256
"""Texts fetched with one call; file systems that can do so fetch them at the same time."""


def list_remote(url: str, counts: SourceCounts, encoding: str = "") -> Iterator[FoundFile]:
    """List the videos below a URL, or the one it names, in path order.

    Args:
        url: Folder or file.
        counts: Counts what is not used.
        encoding: Of the texts beside videos; empty to go by their byte order marks.

    Raises:
        UsageError: It does not exist, or cannot be listed.
    """
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(url)
        if not filesystem.exists(root):
            raise UsageError(f"the source {url} does not exist; check `--input`")
        infos: dict[str, Any] = filesystem.find(root, detail=True)
    except (OSError, ImportError, ValueError, NotImplementedError) as error:
        raise UsageError(f"the source {url} cannot be listed: {error}") from error
    texts = _pair(infos, root, counts)
    captions = _fetch(filesystem, infos, sorted(set(texts.values())), encoding)
    for name in sorted(infos):
        below = _below(name, root)
        if not is_video(name) or is_leftover(below):
            continue
        uri = filesystem.unstrip_protocol(name)
        info = infos[name]
        found = FoundFile(below, uri, uri, int(info.get("size") or 0), stamp_of_entry(info))
        text = texts.get(name)
        if text is not None:
            label, text_uri = posixpath.basename(text), filesystem.unstrip_protocol(text)
            found = with_text(found, label, text_uri, captions[text], counts)
        yield found


def _below(name: str, root: str) -> str:
    return name.removeprefix(root).lstrip("/") or posixpath.basename(name)


def _pair(infos: Mapping[str, Any], root: str, counts: SourceCounts) -> dict[str, str]:
    """Return the text that goes with each video, and count all that is neither."""
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(infos):
        below = _below(name, root)
        if is_leftover(below):
            counts.unused(LEFTOVERS, LEFTOVER, below)
            continue
        base = posixpath.basename(name)
        folders[name.removesuffix(base)].append(base)
    pairs = {}
    for folder, names in folders.items():
        texts = sidecar_texts(names)
        used = set()
        for base in names:
            text = texts.get(stem_of(base)) if is_video(base) else None
            if text is not None:
                used.add(text)
                pairs[folder + base] = folder + text
        count_others(counts, folder.removeprefix(root).lstrip("/"), names, used)
    return pairs


def _fetch(
    filesystem: Any, infos: Mapping[str, Any], names: Sequence[str], encoding: str
) -> dict[str, Caption]:
    """Return the captions of text files; those that are too long are not fetched."""
    found: dict[str, Caption] = {}
    small = []
    for name in names:
        if int(infos[name].get("size") or 0) > MAX_CAPTION_BYTES:
            found[name] = Caption(problem=f"has more than {MAX_CAPTION_BYTES} bytes")
        else:
            small.append(name)
    for at in range(0, len(small), _TEXTS_AT_ONCE):
        chunk = small[at : at + _TEXTS_AT_ONCE]
        contents = filesystem.cat(chunk, on_error="return")
        for name in chunk:
            data = contents.get(name)
            if isinstance(data, bytes):
                found[name] = text_caption(data, encoding)
            else:
                found[name] = Caption(problem=f"cannot be fetched: {data}")
    return found
