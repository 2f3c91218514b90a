"""What can go wrong with a video file; every message names the file and the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import av.error

from clipmill.errors import ClipError
from clipmill.failures import machine_kind
from clipmill.video.access.machine import blamed_on_machine, is_cut_off, local_file, memory_is_short


class VideoError(ClipError):
    """The bytes of a video cannot be used (kind `decode`); base of all errors of this package."""

    kind = "decode"


class VideoMissingError(VideoError):
    """The file is gone or may not be read."""

    kind = "missing"


class VideoUnreachableError(VideoMissingError):
    """The machine cannot read the file now, which says nothing of the file.

    Args:
        message: For the user.
        kind: One of `clipmill.failures.MACHINE_KINDS`.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.kind)


class VideoChangedError(VideoError):
    """The file is not the one that was listed or indexed."""

    kind = "changed"


class IndexMismatchError(VideoError):
    """The decoder gives other frames than the index says.

    Attributes:
        expected: Frames according to the index.
        decoded: Frames that really decode, counted from the start of the video and without a
            gap; all of them were given before this error was raised.
    """

    def __init__(self, message: str, *, expected: int, decoded: int) -> None:
        super().__init__(message)
        self.expected = expected
        self.decoded = decoded

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only attributes would be lost on the way between processes.
        return _rebuild_mismatch, (str(self), self.expected, self.decoded)


def _rebuild_mismatch(message: str, expected: int, decoded: int) -> IndexMismatchError:
    return IndexMismatchError(message, expected=expected, decoded=decoded)


def name_of(uri: str) -> str:
    """Return a file name as it may stand in a message: quoted, control characters escaped."""
    return repr(uri)


def no_memory(uri: str) -> VideoUnreachableError:
    """Return the error that takes the place of a verdict that a lack of memory may have made."""
    return VideoUnreachableError(
        f"{name_of(uri)} could not be decoded, with next to no memory left", "memory"
    )


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Turn errors of the operating system and of libav into `VideoError`s naming the file."""
    name = name_of(uri)
    try:
        yield
    except VideoError as error:
        if error.kind == VideoError.kind and memory_is_short():
            raise no_memory(uri) from error
        raise
    except FileNotFoundError as error:
        if is_cut_off(uri):
            raise VideoUnreachableError(
                f"{name} does not exist, and its folder is gone or empty: is the disk mounted?",
                "mount",
            ) from error
        raise VideoMissingError(
            f"{name} does not exist; restore it or list the source again"
        ) from error
    except PermissionError as error:
        raise VideoMissingError(
            f"{name} may not be read: {error.strerror}; check its permissions"
        ) from error
    except IsADirectoryError as error:
        raise VideoMissingError(f"{name} is a folder, not a video file") from error
    except av.error.FFmpegError as error:
        if kind := blamed_on_machine(error, uri):
            raise VideoUnreachableError(
                f"{name} cannot be read now: {error.strerror}", kind
            ) from error
        raise VideoError(
            f"{name} cannot be read as a video: {error.strerror}; "
            "it is damaged, empty or of a format that FFmpeg does not know"
        ) from error
    except OSError as error:
        kind = machine_kind(error) or ("server" if local_file(uri) is None else "")
        if kind:
            raise VideoUnreachableError(f"{name} cannot be read now: {error}", kind) from error
        raise VideoMissingError(f"{name} cannot be read: {error}") from error
