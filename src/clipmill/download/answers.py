"""What answers of a hub mean: worth another try, refused, or another file than was announced."""

import re
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import hf_raise_for_status

from clipmill.disk.digest import Digest
from clipmill.download.errors import NoRangesError
from clipmill.download.patience import TransientError, asked_wait
from clipmill.weights.errors import DownloadError

LOST = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError)
"""The connection was not made, or cut."""

_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


def digest_of(etag: str) -> Digest | None:
    """Return the checksum an entity tag is, if it is one."""
    if re.fullmatch(r"[0-9a-f]{64}", etag):
        return Digest("sha256", etag)
    return Digest("git-sha1", etag) if re.fullmatch(r"[0-9a-f]{40}", etag) else None


def lost(error: Exception, url: str) -> TransientError:
    """Return what to tell about a connection that was not made, or cut."""
    host = urlsplit(url).netloc
    if isinstance(error, httpx2.TimeoutException):
        return TransientError(f"{host} did not answer in time (HF_HUB_DOWNLOAD_TIMEOUT)")
    if isinstance(error, httpx2.ConnectError):
        return TransientError(f"{host} cannot be reached ({error})")
    return TransientError("the connection was cut")


def check_status(response: httpx2.Response, what: str) -> None:
    """Refuse errors and web pages.

    Raises:
        TransientError: It may pass.
        DownloadError: It will not.
    """
    if response.is_error:
        response.read()
        try:
            hf_raise_for_status(response)
        except HfHubHTTPError as error:
            raise refusal_of(error, what) from error
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(
            f"{response.url} answered with a web page instead of {what}: a log-in, a quota or a "
            "proxy is in the way"
        )


def refusal_of(error: HfHubHTTPError, what: str) -> TransientError:
    """Return a refusal that may pass.

    Raises:
        DownloadError: It will not.
    """
    response = error.response
    status, host = response.status_code, response.url.host
    named = f"{status} {response.reason_phrase}".strip()
    if status in _TRANSIENT:
        return TransientError(f"{host} answered {named}", asked_wait(response.headers))
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise DownloadError(
            f"{host} refuses access to {what} ({named}): it is gated, private, or does not exist. "
            "Accept its terms on its page, then set HF_TOKEN to an access token"
        ) from error
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise DownloadError(
            f"{host} has no {what} ({named}, {response.url}): it was moved or removed, or "
            "--revision or HF_ENDPOINT is wrong"
        ) from error
    raise DownloadError(f"{host} answered {named} for {what} ({response.url})") from error


def check_range(response: httpx2.Response, name: str, size: int, start: int) -> None:
    """Refuse an answer that is not the range of the file that was asked for.

    Args:
        response: The answer.
        name: Name of the file.
        size: Its size in bytes.
        start: First byte asked for.

    Raises:
        NoRangesError: The server sends whole files only.
        TransientError: It sent another range.
        DownloadError: It has a file of another size.
    """
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        raise NoRangesError(f"{response.url.host} serves no byte ranges of {name}")
    told = re.fullmatch(
        r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
    )
    if told is None or int(told[1]) != start:
        raise TransientError("the server sent another part than it was asked for")
    if told[2] not in {"*", str(size)}:
        raise DownloadError(
            f"{name} has {int(told[2]):,} bytes at {response.url.host}, not the "
            f"{size:,} announced: HF_ENDPOINT names a server with other files"
        )
