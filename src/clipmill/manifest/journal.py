"""The journal of an export: appended sample by sample, so that a killed export goes on.

At the end it becomes `manifest.jsonl`, with the samples in their order.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from clipmill.disk import create, write_bytes
from clipmill.manifest.entries import SampleEntry

MANIFEST = "manifest.jsonl"


class ExportJournal:
    """Entries of the samples of an export, on disk; only their places are in memory.

    Args:
        path: The journal.
        manifest: That of the last finished export, the start of a new journal.
    """

    def __init__(self, path: Path, manifest: Path) -> None:
        self._places: dict[str, tuple[int, str]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() and manifest.exists():
            write_bytes(path, manifest.read_bytes())
        self._file = path.open("a+b")
        self._scan()

    def _scan(self) -> None:
        """Find the entries; a last line that was cut off by a kill is removed."""
        self._file.seek(0)
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            try:
                entry = SampleEntry.from_line(line.decode("utf-8", "replace"))
            except ValueError:
                end += len(line)
                continue
            self._places[entry.sample_id] = (end, entry.token)
            end += len(line)
        self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)

    def __contains__(self, sample_id: str) -> bool:
        return sample_id in self._places

    def token(self, sample_id: str) -> str:
        """Return the token of a sample's entry, empty when it has none."""
        return self._places.get(sample_id, (0, ""))[1]

    def get(self, sample_id: str) -> SampleEntry:
        """Return the entry of a sample.

        Raises:
            KeyError: It has none.
        """
        place, _ = self._places[sample_id]
        self._file.flush()
        with Path(self._file.name).open("rb") as file:
            file.seek(place)
            return SampleEntry.from_line(file.readline().decode())

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def add(self, entries: Sequence[SampleEntry]) -> None:
        """Append entries; they are on disk when this returns."""
        if not entries:
            return
        for entry in entries:
            place = self._file.tell()
            self._file.write(entry.to_line().encode())
            self._places[entry.sample_id] = (place, entry.token)
        self._file.flush()
        os.fsync(self._file.fileno())

    def keep(self, sample_ids: Collection[str]) -> None:
        """Forget all samples but these."""
        if all(sample in sample_ids for sample in self._places):
            return
        path = Path(self._file.name)
        with create(path) as file:
            for entry in self.read([s for s in self._places if s in sample_ids]):
                file.write(entry.to_line().encode())
        self._file.close()
        self._places.clear()
        self._file = path.open("a+b")
        self._scan()

    def read(self, sample_ids: Iterable[str]) -> Iterator[SampleEntry]:
        """Yield the entries of samples in the given order."""
        self._file.flush()
        with Path(self._file.name).open("rb") as file:
            for sample_id in sample_ids:
                file.seek(self._places[sample_id][0])
                yield SampleEntry.from_line(file.readline().decode())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "ExportJournal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
