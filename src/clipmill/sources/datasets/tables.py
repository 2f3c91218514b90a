"""What layouts have in common: a folder, tables in it, and the files that no row names."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from clipmill.errors import UsageError
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.accounting.leftout import LEFTOVER, LEFTOVERS, count_others
from clipmill.sources.found import FoundFile, is_video
from clipmill.sources.lookup.walk import levels
from clipmill.sources.manifest import Manifest
from clipmill.sources.sidecars import shown

UNNAMED = "no row names it"


def absolute(path: str) -> Path:
    """Return a path as an absolute one without `..`."""
    return Path(os.path.normpath(Path(path).absolute()))


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly below one, in order; none when it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(e.path) for e in entries if e.is_dir())
    except OSError:
        return []


def all_rows(
    manifests: Iterable[Manifest], counts: SourceCounts, named: set[str]
) -> Iterator[FoundFile]:
    """Chain tables. One that cannot be read is a problem, unless none can.

    Args:
        manifests: The tables.
        counts: Counts rows.
        named: Filled with the addresses of the files that rows name.

    Raises:
        UsageError: No table can be read.
    """
    readable = 0
    errors: list[UsageError] = []
    for manifest in manifests:
        try:
            for found in manifest.files(counts):
                named.add(found.uri)
                yield found
            readable += 1
        except UsageError as error:
            errors.append(error)
            yield FoundFile(manifest.path, manifest.path, manifest.path, 0, problem=str(error))
    if errors and not readable:
        raise errors[0]


def count_unnamed(root: Path, named: set[str], used: set[str], counts: SourceCounts) -> None:
    """Count the files below a folder that rows could have named, and did not.

    Args:
        root: Absolute folder.
        named: Absolute paths of the files that rows name.
        used: Absolute paths of tables that are accounted for.
        counts: The counts.
    """
    for level in levels(root, []):
        for folder in level.leftovers:
            counts.unused(LEFTOVERS, LEFTOVER, f"{level.below}{folder}/")
        paths = {name: f"{root}/{level.below}{name}" for name in level.names}
        for name, path in paths.items():
            if is_video(name) and path not in named:
                counts.unused("video", UNNAMED, shown(level.below + name))
        taken = {name for name, path in paths.items() if path in used}
        count_others(counts, level.below, level.names, taken)
