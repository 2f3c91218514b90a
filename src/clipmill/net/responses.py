"""What answers of a server mean: worth another try, refused, or not what was asked for."""

import re
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2

from clipmill.net.errors import DownloadError, NoRangesError, TransientError
from clipmill.net.retry import asked_wait

LOST = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError)
"""The connection was not made, or cut."""

_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


def lost(error: Exception, url: str) -> TransientError:
    """Return what to tell about a connection that was not made, or cut."""
    host = urlsplit(url).netloc
    if isinstance(error, httpx2.TimeoutException):
        return TransientError(f"{host} did not answer in time (HF_HUB_DOWNLOAD_TIMEOUT)")
    if isinstance(error, httpx2.ConnectError):
        return TransientError(f"{host} cannot be reached ({error})")
    return TransientError("the connection was cut")


def refusal(response: httpx2.Response, what: str, *, absent: str) -> TransientError | DownloadError:
    """Return the error that an answer of 400 and above is; a `TransientError` may pass.

    Args:
        response: The answer; of its content nothing is read.
        what: What was asked for, for the message.
        absent: What may be wrong when the server does not have it, for the message.
    """
    status, host = response.status_code, urlsplit(str(response.url)).netloc
    named = f"{status} {response.reason_phrase}".strip()
    if status in _TRANSIENT:
        return TransientError(f"{host} answered {named}", asked_wait(response.headers))
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return DownloadError(
            f"{host} refuses access to {what} ({named}): it is gated, private, or does not exist. "
            "Accept its terms on its page, then set HF_TOKEN to an access token"
        )
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return DownloadError(
            f"{host} has no {what} ({named}, {response.url}): it was moved or removed, or {absent}"
        )
    return DownloadError(f"{host} answered {named} for {what} ({response.url})")


def refuse_page(response: httpx2.Response, what: str) -> None:
    """Refuse a web page in place of a file.

    Raises:
        DownloadError: It is one.
    """
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(
            f"{response.url} answered with a web page instead of {what}: a log-in, a quota or a "
            "proxy is in the way"
        )


def check_range(response: httpx2.Response, what: str, start: int, *, size: int | None) -> None:
    """Refuse an answer that is not the range of the file that was asked for.

    Args:
        response: The answer.
        what: The file, for messages.
        start: First byte asked for.
        size: Size of the file in bytes, if known.

    Raises:
        NoRangesError: The server sends whole files only.
        TransientError: It sent another range.
        DownloadError: It has a file of another size.
    """
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        raise NoRangesError(f"{response.url.host} serves no byte ranges of {what}")
    told = re.fullmatch(
        r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
    )
    if told is None or int(told[1]) != start:
        raise TransientError("the server sent another part than it was asked for")
    if size is not None and told[2] not in {"*", str(size)}:
        raise DownloadError(
            f"{what} has {int(told[2]):,} bytes at {response.url.host}, not the "
            f"{size:,} announced: HF_ENDPOINT names a server with other files"
        )
