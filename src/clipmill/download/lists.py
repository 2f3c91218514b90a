"""The lists a download leaves behind: manifest, missing videos, problems."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from clipmill.disk import create
from clipmill.download.journal import Got, Journal
from clipmill.download.plan import Problem
from clipmill.download.table import Choice, VideoTable

VIDEOS = "videos"
MANIFEST = "OpenVid.csv"
MISSING = "missing.txt"
PROBLEMS = "problems.txt"


def files_here(folder: Path, journal: Journal, sources: Mapping[str, str]) -> dict[str, str]:
    """Return published name -> file name of all videos of a folder.

    Args:
        folder: Target of the download.
        journal: What was ever fetched.
        sources: What the present plan says; it wins.
    """
    files = {Path(g.member.replace("\\", "/")).name: g.name for g in _in_order(journal)}
    files |= {k: v for k, v in sources.items() if v in journal.by_name}
    return {k: v for k, v in files.items() if (folder / VIDEOS / v).exists()}


def write_lists(
    folder: Path,
    table: VideoTable,
    choice: Choice,
    files: Mapping[str, str],
    problems: Sequence[Problem],
) -> None:
    """Write manifest, missing videos and problems.

    Args:
        folder: Target of the download.
        table: The published table.
        choice: Its chosen rows.
        files: Published name -> file name of the videos that are there.
        problems: What went wrong.
    """
    pending = set(choice.names)
    manifest, missing = folder / MANIFEST, folder / MISSING
    with create(manifest, "w") as rows, create(missing, "w") as lines:
        writer = csv.writer(rows)
        writer.writerow(("video", "caption"))
        for name, caption in table.captions():
            if name not in pending:
                continue
            pending.discard(name)
            if name in files:
                writer.writerow((f"{VIDEOS}/{files[name]}", caption))
            else:
                lines.write(name + "\n")
    with create(folder / PROBLEMS, "w") as lines:
        lines.writelines(f"part {p.part}\t{p.member}\t{p.reason}\n" for p in problems)


def _in_order(journal: Journal) -> list[Got]:
    # A name that two members have belongs to the first of them.
    return sorted(journal.by_name.values(), key=lambda got: (got.part, got.name), reverse=True)
