"""HTTP as weights need it: resumed downloads, retries that obey the server, clear errors.

Resuming follows RFC 9110: a `Range` request whose 206 answer starts where the file on disk
ends; any other answer starts the file again.
"""

import email.utils
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    RequestException,
    Timeout,
)

import clipmill
from clipmill.weights.errors import DownloadError, OfflineError

OFFLINE_VARIABLES = ("CLIPMILL_OFFLINE", "HF_HUB_OFFLINE")

_TRUE = {"1", "true", "yes", "on"}
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_BLOCK = 1 << 16
"""Bytes read at once; what a cut connection can lose."""
_TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and between two bytes."""

Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]


def offline() -> str | None:
    """Return the environment variable that switches the network off, None if none does."""
    for name in OFFLINE_VARIABLES:
        if os.environ.get(name, "").strip().lower() in _TRUE:
            return name
    return None


@dataclass(frozen=True)
class Retries:
    """How a failing server is asked again.

    Attributes:
        attempts: Tries in a row without progress before giving up.
        first_wait: Seconds before the second try; doubles from try to try.
        longest_wait: Longest wait in seconds, also when the server asks for more.
        sleep: How to wait.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 120.0
    sleep: Callable[[float], None] = time.sleep


class _TransientError(Exception):
    """Worth another try.

    Attributes:
        wait: Seconds the server asked to wait, if it did.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Backoff:
    """Counts failures in a row and waits between them."""

    def __init__(self, what: str, retries: Retries, note: Callable[[str], None]) -> None:
        self.what, self.retries, self.note = what, retries, note
        self.failures = 0

    def failed(self, error: _TransientError, *, progress: int = 0) -> None:
        """Wait before another try, or give up.

        Args:
            error: What went wrong.
            progress: Bytes that arrived nevertheless; enough of them start the count again.
        """
        if progress >= _BLOCK:
            self.failures = 0
            self.note(f"{self.what}: {error}; going on where it stopped")
            return
        self.failures += 1
        if self.failures >= self.retries.attempts:
            raise DownloadError(
                f"{self.what} could not be fetched, {self.failures} tries in a row failed: "
                f"{error}. What has arrived is kept; the same command goes on from there"
            )
        wait = error.wait
        if wait is None:
            wait = self.retries.first_wait * 2 ** (self.failures - 1)
        wait = min(wait, self.retries.longest_wait)
        self.note(f"{self.what}: {error}; trying again in {wait:.0f} s")
        self.retries.sleep(wait)


class Http:
    """A session that refuses to start when the environment says offline.

    Attributes:
        note: Called with a line worth telling, e.g. that a try failed.
    """

    def __init__(
        self, *, retries: Retries | None = None, note: Callable[[str], None] | None = None
    ) -> None:
        if variable := offline():
            raise OfflineError(
                f"the network is switched off by {variable}; unset it, or place the weights by "
                "hand (clipmill models pull NAME --from PATH)"
            )
        self.retries = retries or Retries()
        self.note = note or (lambda _: None)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"clipmill/{clipmill.__version__}"
        # Sizes and ranges count the bytes of the file itself.
        self._session.headers["Accept-Encoding"] = "identity"

    def ask(
        self, method: str, url: str, *, what: str, auth: Auth | None = None, follow: bool = True
    ) -> requests.Response:
        """Make a small request, with retries.

        Args:
            method: `GET` or `HEAD`.
            url: Address.
            what: What is wanted, for messages.
            auth: Adds credentials to the request.
            follow: Whether to follow redirects.

        Raises:
            DownloadError: The server refused, or kept failing.
        """
        backoff = _Backoff(what, self.retries, self.note)
        while True:
            try:
                response = self._session.request(
                    method, url, auth=auth, allow_redirects=follow, timeout=_TIMEOUT
                )
                _check_status(response, what)
                return response
            except (ConnectionError, Timeout, ChunkedEncodingError) as error:
                backoff.failed(_TransientError(_reason(error, url)))
            except _TransientError as error:
                backoff.failed(error)
            except RequestException as error:
                raise DownloadError(f"{what}: {error}") from error

    def download(
        self,
        url: str,
        part: Path,
        *,
        what: str,
        size: int | None = None,
        auth: Auth | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        """Fetch a file, going on from what `part` already holds.

        Args:
            url: Address.
            part: File to fill.
            what: What is wanted, for messages.
            size: Size in bytes, if known.
            auth: Adds credentials to the request.
            on_bytes: Called with the number of bytes that are there.

        Raises:
            DownloadError: The server refused, or kept failing; `part` is kept.
        """
        part.parent.mkdir(parents=True, exist_ok=True)
        backoff = _Backoff(what, self.retries, self.note)
        report = on_bytes or (lambda _: None)
        restarts = 0
        while True:
            have = _size(part)
            if size is not None and have > size:
                part.unlink()
                have = 0
            if size is not None and have == size and part.exists():
                report(have)
                return
            problem = self._get_rest(url, part, have, what=what, auth=auth, report=report)
            if problem is None and size is not None and _size(part) != size:
                problem = _TransientError(f"{_size(part):,} of {size:,} bytes arrived")
            if problem is None:
                return
            restarts += _size(part) < have
            if restarts > 1:
                raise DownloadError(
                    f"{what}: the server has not the {size or 0:,} bytes it announced, or sends "
                    f"other parts than it is asked for ({url}): {problem}"
                )
            backoff.failed(problem, progress=_size(part) - have)

    def read_range(
        self, url: str, start: int, end: int, *, what: str, auth: Auth | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes [start, end) of a file as they arrive, going on after cuts.

        Args:
            url: Address.
            start: First byte.
            end: One after the last byte.
            what: What is wanted, for messages.
            auth: Adds credentials to the request.

        Raises:
            DownloadError: The server refused, kept failing, or serves no byte ranges.
        """
        backoff = _Backoff(what, self.retries, self.note)
        position = start
        while position < end:
            begun = position
            headers = {"Range": f"bytes={position}-{end - 1}"}
            problem = _TransientError(f"fewer bytes than the {end - start:,} asked for arrived")
            try:
                with self._session.get(
                    url, stream=True, headers=headers, auth=auth, timeout=_TIMEOUT
                ) as response:
                    _check_status(response, what)
                    _check_type(response, what)
                    _check_range(response, position, what)
                    for block in response.iter_content(_BLOCK):
                        wanted = block[: end - position]
                        position += len(wanted)
                        yield wanted
            except (ConnectionError, Timeout, ChunkedEncodingError) as error:
                problem = _TransientError(_reason(error, url))
            except _TransientError as error:
                problem = error
            except RequestException as error:
                raise DownloadError(f"{what}: {error}") from error
            if position < end:
                backoff.failed(problem, progress=position - begun)

    def _get_rest(
        self,
        url: str,
        part: Path,
        have: int,
        *,
        what: str,
        auth: Auth | None,
        report: Callable[[int], None],
    ) -> _TransientError | None:
        """Make one request for the bytes from `have` on; return what went wrong, if anything."""
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with self._session.get(
                url, stream=True, headers=headers, auth=auth, timeout=_TIMEOUT
            ) as response:
                if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    # The file on disk is longer than the server's: it is another file.
                    part.unlink(missing_ok=True)
                    return _TransientError("what was there does not fit; starting again")
                _check_status(response, what)
                _check_type(response, what)
                # A server without ranges answers 200 and sends everything.
                start = response.headers.get("Content-Range", "")
                resumed = response.status_code == HTTPStatus.PARTIAL_CONTENT
                if resumed and not start.startswith(f"bytes {have}-"):
                    part.unlink(missing_ok=True)
                    return _TransientError("the server sent another part than it was asked for")
                _write(response, part, have if resumed else 0, report)
        except (ConnectionError, Timeout, ChunkedEncodingError) as error:
            return _TransientError(_reason(error, url))
        except _TransientError as error:
            return error
        except RequestException as error:
            raise DownloadError(f"{what}: {error}") from error
        return None


def _write(
    response: requests.Response, part: Path, have: int, report: Callable[[int], None]
) -> None:
    with part.open("ab" if have else "wb") as file:
        report(have)
        for block in response.iter_content(_BLOCK):
            file.write(block)
            have += len(block)
            report(have)
        file.flush()
        os.fsync(file.fileno())


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception, url: str) -> str:
    host = urlsplit(url).netloc
    if isinstance(error, Timeout):
        return f"{host} did not answer in time"
    if isinstance(error, ChunkedEncodingError):
        return "the connection was cut"
    return f"{host} cannot be reached ({error.__class__.__name__})"


def _check_status(response: requests.Response, what: str) -> None:
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST:
        return
    host = urlsplit(response.url).netloc
    if status in _TRANSIENT:
        raise _TransientError(f"{host} answered {_named(status)}", _retry_after(response))
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise DownloadError(
            f"{host} refuses access to {what} ({_named(status)}): it is gated, private, or does "
            "not exist. Accept its terms on its page, then set HF_TOKEN to an access token"
        )
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise DownloadError(
            f"{host} has no {what} ({_named(status)}, {response.url}): it was moved or removed, "
            "or HF_ENDPOINT names a server that does not have it"
        )
    raise DownloadError(f"{host} answered {_named(status)} for {what} ({response.url})")


def _check_range(response: requests.Response, start: int, what: str) -> None:
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        raise DownloadError(
            f"{urlsplit(response.url).netloc} does not serve byte ranges, which reading parts of "
            f"{what} needs; choose another server with HF_ENDPOINT"
        )
    if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise _TransientError("the server sent another part than it was asked for")


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _check_type(response: requests.Response, what: str) -> None:
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(
            f"{response.url} answered with a web page instead of {what}: a log-in, a quota or a "
            "proxy is in the way"
        )


def _retry_after(response: requests.Response) -> float | None:
    """Read `Retry-After`, seconds or a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:  # not a date, or nothing at all
        return None
