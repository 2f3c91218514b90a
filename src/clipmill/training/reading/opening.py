"""Recognises what a dataset is to be read from: a workspace or an export."""

from pathlib import Path

from clipmill.errors import UsageError
from clipmill.manifest.marker import FILES_VERSION, read_marker
from clipmill.manifest.marker import MARKER as EXPORT_MARKER
from clipmill.store.workspace import MARKER as WORKSPACE_MARKER
from clipmill.store.workspace import Workspace
from clipmill.training.reading.exported import FILES, ExportedSamples
from clipmill.training.reading.stored import SampleSource
from clipmill.training.reading.workspace import WorkspaceSamples


def open_samples(
    place: Workspace | str | Path, *, samples: str = "training", identity: bool
) -> SampleSource:
    """Open the samples of a workspace or of a canonical export.

    Args:
        place: A workspace, its path or URL, or the folder of an export.
        samples: Name of the sample set of a workspace; an export holds one set.
        identity: Whether identity images and regions are wanted.

    Raises:
        UsageError: It is neither, another export, an unfinished one, or without samples.
        CorruptFileError: A file of it is damaged.
    """
    if isinstance(place, Workspace):
        return WorkspaceSamples(place, samples, identity=identity)
    if isinstance(place, str) and "://" in place:
        return WorkspaceSamples(Workspace.open(place), samples, identity=identity)
    root = Path(place).expanduser().absolute()
    if (root / WORKSPACE_MARKER).is_file():
        return WorkspaceSamples(Workspace.open(root), samples, identity=identity)
    if (root / EXPORT_MARKER).is_file():
        return ExportedSamples(root, kind=_readable_kind(root), identity=identity)
    if not root.is_dir():
        raise UsageError(f"{root} is no folder; give that of a workspace or of an export")
    raise UsageError(
        f"{root} is neither a workspace nor an export of clipmill: it has no {WORKSPACE_MARKER} "
        f"and no {EXPORT_MARKER}. Give the folder of a workspace, or make an export with "
        "`clipmill export canonical`"
    )


def _readable_kind(root: Path) -> str:
    """Return the kind of an export; refuse what cannot be read."""
    marker = read_marker(root)
    if marker.kind not in FILES:
        raise UsageError(
            f"{root} is an export of kind {marker.kind}, which its own trainer reads; "
            f"clipmill.training reads {' and '.join(FILES)}: make one with "
            "`clipmill export canonical`"
        )
    if not marker.complete:
        raise UsageError(
            f"the export {root} is not finished; run it again, it goes on where it stopped"
        )
    if (marker.files_version or 0) > FILES_VERSION:
        raise UsageError(
            f"the export {root} has files of version {marker.files_version}, and this clipmill "
            f"reads those up to {FILES_VERSION}; install the clipmill that wrote it, or export "
            "again with this one into a new folder"
        )
    return marker.kind
