"""HTTP as files need it: resumed downloads, byte ranges, retries, clear errors.

Requests go through the session of `huggingface_hub`, to the hub and to any other server, so that
proxies, certificates and timeouts are set once (`HF_HUB_DOWNLOAD_TIMEOUT`, `HTTPS_PROXY`,
`set_client_factory`). Resuming is own code: the library resumes only into its own cache, and
reads no ranges. It follows RFC 9110: a `Range` request whose 206 answer starts where the file on
disk ends; any other answer starts the file again.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import get_session

import clipmill
from clipmill.net.errors import DownloadError, OfflineError, TransientError
from clipmill.net.offline import offline
from clipmill.net.responses import LOST, check_range, lost, refusal, refuse_page
from clipmill.net.retry import Patience, Retries

_EXPIRED = {400, 401, 403, 404, 410}
"""What storage servers answer when a signed address is too old."""
_CONNECT = 10.0
"""Seconds to connect."""
_SILENCE = 60.0
"""Seconds between two bytes; servers that pack an archive when they are asked for it take long."""
HEADERS = {
    "user-agent": f"clipmill/{clipmill.__version__}",
    # Sizes and ranges count the bytes of the file itself.
    "accept-encoding": "identity",
}

_T = TypeVar("_T")


class Http:
    """A session that refuses to start when the environment says offline; safe for threads.

    Args:
        retries: How a failing server is asked again; by default patiently.
        note: Called with a line worth telling, e.g. that a try failed.
        silence: Seconds that may pass between two bytes, when the user does not say.
        absent: What may be wrong when a server does not have a file, for messages.
        keep_redirects: Whether to go on with the address that a request was redirected to, for as
            long as it holds.

    Attributes:
        received: Bytes of contents that have arrived.

    Raises:
        OfflineError: The environment switches the network off.
    """

    def __init__(
        self,
        *,
        retries: Retries | None = None,
        note: Callable[[str], None] | None = None,
        silence: float = _SILENCE,
        absent: str = "HF_ENDPOINT names a server that does not have it",
        keep_redirects: bool = False,
    ) -> None:
        if variable := offline():
            raise OfflineError(f"the network is switched off by {variable}; unset it to download")
        self.received = 0
        self._retries = retries or Retries()
        self._note = note or (lambda _: None)
        self._absent = absent
        if os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT"):
            silence = constants.HF_HUB_DOWNLOAD_TIMEOUT
        self._timeout = httpx2.Timeout(silence, connect=min(silence, _CONNECT), pool=None)
        self._keep_redirects = keep_redirects
        self._redirects: dict[str, str] = {}
        self._lock = threading.Lock()

    def patience(self, what: str) -> Patience:
        """Return what counts the failures of a request."""
        return Patience(what, self._retries, self._note)

    def ask(self, what: str, url: str, call: Callable[[], _T]) -> _T:
        """Make a small request by a function of the hub's library, with retries.

        Args:
            what: What is wanted, for messages.
            url: Address, for messages.
            call: Makes the request.

        Raises:
            DownloadError: The server refused, kept failing, or its answer makes no sense.
        """
        patience = self.patience(what)
        while True:
            try:
                with self._explained(what, url):
                    return call()
            except TransientError as error:
                patience.failed(error)
            except (ValueError, KeyError, TypeError) as error:
                raise DownloadError(f"{url} did not answer with {what}: {error!r}") from error

    def download(
        self,
        url: str,
        part: Path,
        *,
        what: str,
        size: int | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        """Fetch a file, going on from what `part` already holds.

        Args:
            url: Address.
            part: File to fill.
            what: What is wanted, for messages.
            size: Size in bytes, if known.
            on_bytes: Called with the number of bytes that are there.

        Raises:
            DownloadError: The server refused, or kept failing; `part` is kept.
        """
        part.parent.mkdir(parents=True, exist_ok=True)
        patience, report, restarts = self.patience(what), on_bytes or (lambda _: None), 0
        while True:
            have = _size(part)
            if size is not None and have > size:
                part.unlink()
                have = 0
            if size is not None and have == size and part.exists():
                report(have)
                return
            try:
                self._get_rest(url, part, have, what=what, report=report)
                if size is None or _size(part) == size:
                    return
                problem = TransientError(f"{_size(part):,} of {size:,} bytes arrived")
            except TransientError as error:
                problem = error
            restarts += _size(part) < have
            if restarts > 1:
                raise DownloadError(
                    f"{what}: the server has not the {size or 0:,} bytes it announced, or sends "
                    f"other parts than it is asked for ({url}): {problem}"
                )
            patience.failed(problem, progress=_size(part) - have)

    def read_range(
        self, url: str, start: int, end: int, *, what: str, size: int | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes [start, end) of a file as they arrive, going on after cuts.

        Args:
            url: Address.
            start: First byte.
            end: One after the last byte.
            what: What is wanted, for messages.
            size: Size of the file in bytes, if known; an answer about another size is refused.

        Raises:
            DownloadError: The server refused, or kept failing.
            NoRangesError: It serves no byte ranges.
        """
        patience, position = self.patience(what), start
        while position < end:
            begun, whole = position, position == 0 and end == size
            headers = {} if whole else {"Range": f"bytes={position}-{end - 1}"}
            problem = TransientError(f"fewer than the {end - start:,} bytes asked for arrived")
            try:
                with self._open(url, headers, what=what) as response:
                    if not whole:
                        check_range(response, what, position, size=size)
                    for block in response.iter_raw():
                        wanted = block[: end - position]
                        position += len(wanted)
                        self._count(len(wanted))
                        yield wanted
            except TransientError as error:
                problem = error
            if position < end:
                patience.failed(problem, progress=position - begun)

    def read_whole(self, url: str, *, what: str, size: int) -> Iterator[bytes]:
        """Yield a file from its start, once.

        Raises:
            TransientError: It ended early; another try is worth it.
            DownloadError: The server refused.
        """
        arrived = 0
        with self._open(url, {}, what=what) as response:
            for block in response.iter_raw():
                arrived += len(block)
                self._count(len(block))
                yield block
        if arrived != size:
            raise TransientError(f"{arrived:,} of {size:,} bytes arrived")

    def _get_rest(
        self, url: str, part: Path, have: int, *, what: str, report: Callable[[int], None]
    ) -> None:
        """Make one request for the bytes from `have` on.

        Raises:
            TransientError: It went wrong, or another file is there now and `part` was removed.
        """
        too_far = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._open(url, headers, what=what, but=too_far) as response:
            if response.status_code == too_far:
                # The file on disk is longer than the server's: it is another file.
                part.unlink(missing_ok=True)
                raise TransientError("what was there does not fit; starting again")
            # A server without ranges answers 200 and sends everything.
            resumed = response.status_code == HTTPStatus.PARTIAL_CONTENT
            if resumed and not response.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            ):
                part.unlink(missing_ok=True)
                raise TransientError("the server sent another part than it was asked for")
            done = have if resumed else 0
            with part.open("ab" if done else "wb") as file:
                report(done)
                for block in response.iter_raw():
                    file.write(block)
                    done += len(block)
                    self._count(len(block))
                    report(done)
                file.flush()
                os.fsync(file.fileno())

    def _headers_for(self, url: str) -> dict[str, str]:
        return HEADERS

    @contextmanager
    def _open(
        self, url: str, headers: dict[str, str], *, what: str, but: int = 0
    ) -> Iterator[httpx2.Response]:
        """Open a file; answers of 400 and above are errors, except one of status `but`."""
        kept = self._redirects.get(url)
        told = self._headers_for(kept or url) | headers
        with (
            self._explained(what, url),
            get_session().stream(
                "GET", kept or url, headers=told, follow_redirects=True, timeout=self._timeout
            ) as response,
        ):
            if kept and response.status_code in _EXPIRED:
                self._redirects.pop(url, None)
                raise TransientError("its address at the storage server has expired", 0.0)
            if response.is_error and response.status_code != but:
                raise refusal(response, what, absent=self._absent)
            refuse_page(response, what)
            found = str(response.url)
            if self._keep_redirects and urlsplit(found).netloc != urlsplit(url).netloc:
                self._redirects[url] = found
            yield response

    @contextmanager
    def _explained(self, what: str, url: str) -> Iterator[None]:
        """Let the library's errors mean something to the user, or be worth another try."""
        try:
            yield
        except OfflineModeIsEnabled as error:
            raise OfflineError(str(error)) from error
        except HfHubHTTPError as error:
            raise refusal(error.response, what, absent=self._absent) from error
        except LOST as error:
            raise lost(error, url) from error
        except httpx2.TooManyRedirects as error:
            raise DownloadError(f"{what}: the server redirects in a circle ({url})") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise DownloadError(f"{what}: {error}") from error

    def _count(self, count: int) -> None:
        with self._lock:
            self.received += count


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
