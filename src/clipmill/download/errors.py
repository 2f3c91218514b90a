"""What can go wrong with a dataset download; every message names the file and the remedy."""

from clipmill.errors import ClipmillError, UsageError


class DatasetError(ClipmillError):
    """The published dataset is not what it says: an unreadable table, a broken archive."""


class FolderError(UsageError):
    """The target folder cannot take the download: in use, read-only, or too small."""


class DiskFullError(ClipmillError):
    """The disk filled up on the way; what is finished is kept."""
