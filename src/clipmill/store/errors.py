"""What can go wrong with a workspace, in words for its owner."""

from clipmill.errors import ClipmillError, UsageError

CHECK = "`clipmill check --repair` moves damaged files aside and says what is computed again."
"""Remedy of every damaged file of a workspace."""


class NoWorkspaceError(UsageError):
    """There is no workspace."""


class WorkspaceLockedError(UsageError):
    """Another run works on the workspace.

    Attributes:
        owner: What the lock says of the other run: `pid`, `host`, `since`.
    """

    def __init__(self, message: str, owner: dict[str, str]) -> None:
        super().__init__(message)
        self.owner = owner


class StorageError(ClipmillError):
    """The storage refused: full, read-only, over a quota, gone, failing."""


class CorruptFileError(ClipmillError):
    """A file of the workspace cannot be read back.

    Attributes:
        path: The file, with the workspace in front.
        reason: What is wrong with it.
    """

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}. {remedy}")
        self.path, self.reason = path, reason
