"""What can go wrong on the way to a server; every message names what was wanted and the remedy."""

from clipmill.errors import ClipmillError, UsageError


class NetError(ClipmillError):
    """Something could not be fetched over the network."""


class DownloadError(NetError):
    """A server did not give what was asked for."""


class NoRangesError(DownloadError):
    """A server answers a request for a byte range with the whole file."""


class OfflineError(NetError, UsageError):
    """The network is needed but switched off by the environment."""


class TransientError(Exception):
    """Worth another try; never leaves this package's callers.

    Attributes:
        wait: Seconds the server asked to wait, if it did.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
