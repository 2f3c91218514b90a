"""Going through a folder, links included, without the leftovers of systems and archivers."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from clipmill.sources.found import is_leftover_folder


class Level(NamedTuple):
    """One folder of a walk.

    Attributes:
        below: Its path below the root with a slash at its end; empty for the root.
        real: The folder behind links.
        names: Names of its files, in order.
        leftovers: Names of its folders that are passed over.
    """

    below: str
    real: str
    names: list[str]
    leftovers: list[str]


def levels(root: Path, closed: list[OSError]) -> Iterator[Level]:
    """Yield the folders from a root on in name order, each real one once.

    Errors of folders that cannot be listed are appended to `closed`.
    """
    seen: set[str] = set()
    top = str(root)
    for folder, subfolders, files in os.walk(top, followlinks=True, onerror=closed.append):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        leftovers = sorted(filter(is_leftover_folder, subfolders))
        subfolders[:] = sorted(set(subfolders).difference(leftovers))
        below = folder[len(top) :].replace(os.sep, "/").strip("/")
        yield Level(f"{below}/" if below else "", real, sorted(files), leftovers)


def walk_files(root: Path, closed: list[OSError], wanted: Callable[[str], bool]) -> Iterator[str]:
    """Yield the files with wanted names as paths below the root, `/` as separator.

    Folders come in name order, and the files within each; see `levels`.
    """
    for level in levels(root, closed):
        for name in level.names:
            if wanted(name):
                yield level.below + name
