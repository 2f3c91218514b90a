"""What a folder has already got: one JSON line per video that is whole and verified."""

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Got:
    """One video.

    Attributes:
        name: File in the folder.
        part: Archive it came from.
        member: Its name there.
        size: Size in bytes.
        crc: CRC-32 of the content.
    """

    name: str
    part: int
    member: str
    size: int
    crc: int


class Journal:
    """The lines, and what they say together; safe to add to from several threads.

    A line that a killed process cut off, or a crash of the machine lost, costs little: its video
    is compared with the archive's checksum again.

    Args:
        path: The file; made when the first line is added.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_name: dict[str, Got] = {}
        self._lock = threading.Lock()
        self._torn = False
        if path.exists():
            self._read(path.read_bytes())

    def _read(self, data: bytes) -> None:
        self._torn = bool(data) and not data.endswith(b"\n")
        for line in data.splitlines():
            try:
                got = Got(**json.loads(line))
            except (ValueError, TypeError):
                continue
            self.by_name[got.name] = got

    def add(self, got: Got) -> None:
        """Write a line."""
        with self._lock:
            line = json.dumps(asdict(got)) + "\n"
            with self.path.open("a", encoding="utf-8") as file:
                start = "\n" if self._torn else ""
                self._torn = True
                file.write(start + line)
                file.flush()
            self._torn = False
            self.by_name[got.name] = got
