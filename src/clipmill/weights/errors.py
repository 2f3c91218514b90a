"""What can go wrong with model weights; every message names the model, the file and the remedy."""

from clipmill.errors import ClipmillError, UsageError


class WeightsError(ClipmillError):
    """Weights cannot be used: wrong checksum, wrong keys, an unreadable file."""


class MissingWeightsError(WeightsError, UsageError):
    """Weights are not in the local cache; the message holds the command that fetches them."""


class ChecksumError(WeightsError):
    """A file is not the one that was expected."""


class StateDictError(WeightsError):
    """A checkpoint does not fit the network: missing, unexpected or misshapen keys."""


class DownloadError(WeightsError):
    """A server did not give what was asked for."""


class OfflineError(WeightsError, UsageError):
    """The network is needed but switched off by the environment."""


class NoSpaceError(WeightsError, UsageError):
    """The disk has no room for the download."""
