"""A small OpenVid of two parts, one of them split, and a download of it."""

from pathlib import Path

from dataset_server import HD, REPO, TRAIN, DataHub, folded, make_table, make_zip, videos

from clipmill.download import Report, Request, download_openvid
from clipmill.net.progress import Progress
from clipmill.net.retry import Retries

PART0, PART1 = videos(0, 12, 120_000), videos(1, 9, 150_000)
BOTH = PART0 | PART1


class Notes(Progress):
    """Keeps the lines that a download tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def publish(hub: DataHub, **more: bytes) -> None:
    """Two parts, the second in three pieces, and their tables."""
    second = make_zip(folded(PART1))
    rows = [(name, f'a "{name}",\nsaid', n) for n, name in enumerate(BOTH)]
    hub.files = {
        REPO: {
            "OpenVid_part0.zip": make_zip(folded(PART0)),
            # The first cut goes through a member, the second through the directory.
            "OpenVid_part1_partaa": second[:500_001],
            "OpenVid_part1_partab": second[500_001:-200],
            "OpenVid_part1_partac": second[-200:],
            TRAIN: make_table([*rows, ("absent.mp4", "gone", 3), rows[0]]),
            HD: make_table(rows[10:14]),
        }
        | more
    }


def fetch(
    folder: Path,
    waits: list[float] | None = None,
    notes: Notes | None = None,
    **values: object,
) -> Report:
    retries = Retries(attempts=4, sleep=(waits if waits is not None else []).append)
    request = Request(folder=folder, **values)
    return download_openvid(request, progress=notes, retries=retries)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "videos").iterdir()}
