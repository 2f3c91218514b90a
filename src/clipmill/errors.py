"""Errors that users meet. Every message names the thing, the place and the remedy."""


class ClipmillError(Exception):
    """Base of all errors raised on purpose; its text is shown to the user as it is."""


class UsageError(ClipmillError):
    """Wrong arguments or configuration: nothing was started (exit code 2)."""


class MissingExtraError(UsageError):
    """A backend needs packages that an extra of clipmill installs."""

    def __init__(self, what: str, extra: str, module: str) -> None:
        super().__init__(
            f"{what} needs the Python package '{module}', which is not installed. "
            f'Install it with: pip install "clipmill[{extra}]"'
        )
        self.extra = extra


class NoRoomError(ClipmillError):
    """The machine, or its GPU, has no memory for the model of a stage."""


class ClipError(ClipmillError):
    """One clip could not be annotated; it becomes a failed row and its neighbours go on.

    Attributes:
        kind: What went wrong, stored in the column `error_kind` of the failed row: one of
            `clipmill.failures`, which also says whether it is the clip's fault.
    """

    kind = "model"


class ClipTimeoutError(ClipError):
    """A clip took more computing time than its limit."""

    kind = "timeout"


class ClipStalledError(ClipError):
    """A clip took many times its limit, and hardly anything was computed: the machine is busy."""

    kind = "stalled"


class OutOfMemoryError(ClipError):
    """The machine, or its GPU, has too little memory left for a clip."""

    kind = "memory"


class ServerError(ClipError):
    """A server that a backend asks gave no answer, or refused to."""

    kind = "server"
