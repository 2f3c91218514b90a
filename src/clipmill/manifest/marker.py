"""The marker of an export, `clipmill-export.json`: kind, settings, counts, indices."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from clipmill.errors import UsageError

MARKER = "clipmill-export.json"

FOLDER, HUGGINGFACE, WEBDATASET = "folder", "huggingface", "webdataset"
"""Names of containers."""

FILES_VERSION = 3
"""Of the files that formats write; raised when their content changes.

2: `caption_origin` in every row. 3: translations of a camera whose place was not measured are NaN.
"""


@dataclass(frozen=True)
class ListedFile:
    """A file of an export that belongs to no entry of its manifest.

    Attributes:
        bytes: Size.
        sha256: Hex digits; empty for links and for copies of a file of the user.
        symlink: What it is a symbolic link to.
        hardlink: What it is another name of.
        copy: What it is a copy of.
    """

    bytes: int
    sha256: str = ""
    symlink: str = ""
    hardlink: str = ""
    copy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return size, and what else is known."""
        return {name: value for name, value in asdict(self).items() if value != ""}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ListedFile":
        """Read `to_json` back."""
        return cls(**{f.name: value[f.name] for f in fields(cls) if f.name in value})


@dataclass(frozen=True)
class Marker:
    """What lies at the top of an export.

    Attributes:
        kind: Format and container, `canonical/folder`.
        complete: Whether the export was finished.
        facts: What a finished export says besides: pipeline, settings, counts.
        files: Its files that belong to no entry of the manifest, by their paths.
    """

    kind: str
    complete: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, ListedFile] = field(default_factory=dict)

    @property
    def files_version(self) -> int | None:
        """The `FILES_VERSION` of the code that wrote the export; None when it did not say."""
        settings = self.facts.get("settings")
        found = settings.get("version") if isinstance(settings, dict) else None
        return found if isinstance(found, int) else None

    def to_bytes(self) -> bytes:
        """Return the marker as JSON; files stand in the order of their paths."""
        value: dict[str, Any] = {"export": self.kind, "complete": self.complete}
        if self.complete:
            listed = {path: self.files[path].to_json() for path in sorted(self.files)}
            value |= {**self.facts, "files": listed}
        return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "Marker":
        """Read `to_bytes` back.

        Raises:
            ValueError: It is no marker.
        """
        value = json.loads(data)
        try:
            listed = value.pop("files", {})
            return cls(
                kind=str(value.pop("export")),
                complete=bool(value.pop("complete", False)),
                files={path: ListedFile.from_json(facts) for path, facts in listed.items()},
                facts=value,
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"not a marker: {error!r}") from error


def export_kind(format_name: str, container: str) -> str:
    """Return the kind of the exports of a format in a container."""
    return f"{format_name}/{container}"


def read_marker(root: Path) -> Marker:
    """Read the marker of the export in a folder.

    Raises:
        FileNotFoundError: There is none.
        UsageError: It cannot be read.
    """
    place = root / MARKER
    try:
        return Marker.from_bytes(place.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{place} cannot be read ({error}), so what was exported is not known; restore it, or "
            "export into a new folder"
        ) from error
