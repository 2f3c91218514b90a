"""What can go wrong with model weights; every message names the model, the file and the remedy."""

from clipmill.disk import ChecksumError
from clipmill.errors import ClipmillError, UsageError
from clipmill.net.errors import NetError


class WeightsError(ClipmillError):
    """Weights cannot be used: wrong checksum, wrong keys, an unreadable file."""


class MissingWeightsError(WeightsError, UsageError):
    """Weights are not in the local cache; the message holds the command that fetches them."""


class StateDictError(WeightsError):
    """A checkpoint does not fit the network: missing, unexpected or misshapen keys."""


class NoSpaceError(WeightsError, UsageError):
    """The disk has no room for the download."""


PULL_ERRORS = (WeightsError, ChecksumError, NetError)
"""What a pull may end with: nothing that says more than "these weights are not to be had"."""
