"""What a run leaves on disk: a workspace, its tables, and codecs for arrays in them."""

from clipmill.store.annotations import AnnotationTable, Outcome
from clipmill.store.errors import CorruptFileError, StorageError, WorkspaceLockedError
from clipmill.store.workspace import Workspace

__all__ = [
    "AnnotationTable",
    "CorruptFileError",
    "Outcome",
    "StorageError",
    "Workspace",
    "WorkspaceLockedError",
]
