"""A dataset on the Hugging Face hub, through the hub's own library.

`huggingface_hub` finds commit, files, sizes, checksums, addresses and credentials, and lends its
session; so mirrors, tokens, proxies and timeouts are set as everywhere (`HF_ENDPOINT`, `HF_TOKEN`,
`HF_HUB_DOWNLOAD_TIMEOUT`, ...). It fetches whole files only: byte ranges are read here.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, get_session

import clipmill
from clipmill.disk.digest import Digest
from clipmill.download.answers import (
    LOST,
    check_range,
    check_status,
    digest_of,
    lost,
    refusal_of,
)
from clipmill.download.patience import Patience, TransientError
from clipmill.weights.errors import DownloadError, OfflineError
from clipmill.weights.http import Retries, offline

_EXPIRED = {400, 401, 403, 404, 410}
"""What storage servers answer when a signed address is too old."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Piece:
    """A file of a dataset, at one commit.

    Attributes:
        name: Name in its repository.
        url: Address.
        size: Size in bytes.
        digest: Published checksum, SHA-256 of a large file or git's id of a small one.
    """

    name: str
    url: str
    size: int
    digest: Digest | None = None


@dataclass(frozen=True)
class Listing:
    """The files of a dataset at one commit.

    Attributes:
        repo: Name of the dataset.
        commit: Commit its revision stands for.
        known: File name -> size and checksum; both None where the server does not list them.
    """

    repo: str
    commit: str
    known: dict[str, tuple[int | None, Digest | None]]


class DatasetHub:
    """A hub; safe to use from several threads.

    Args:
        retries: How a failing server is asked again; by default patiently.
        note: Called with a line worth telling.

    Attributes:
        endpoint: Address of the hub; `HF_ENDPOINT` overrides it.
        received: Bytes of file contents that have arrived.

    Raises:
        OfflineError: The environment switches the network off.
    """

    def __init__(
        self, *, retries: Retries | None = None, note: Callable[[str], None] | None = None
    ) -> None:
        if variable := offline():
            raise OfflineError(f"the network is switched off by {variable}; unset it to download")
        self.endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
        self.received = 0
        self._retries = retries or Retries()
        self._note = note or (lambda _: None)
        self._headers: dict[str, str] = build_hf_headers(
            library_name="clipmill", library_version=clipmill.__version__
        )
        # Sizes and ranges count the bytes of the file itself.
        self._headers["Accept-Encoding"] = "identity"
        self._storage: dict[str, str] = {}
        self._lock = threading.Lock()

    def listing(self, repo: str, revision: str) -> Listing:
        """Return the commit a revision of a dataset stands for, and its files.

        Raises:
            DownloadError: No such dataset or revision, or an answer that makes no sense.
        """
        what = f"the file list of the dataset {repo} at {revision}"
        api = HfApi(
            endpoint=self.endpoint,
            library_name="clipmill",
            library_version=clipmill.__version__,
        )

        def ask() -> Listing:
            info = api.dataset_info(
                repo,
                revision=revision,
                files_metadata=True,
                timeout=constants.HF_HUB_ETAG_TIMEOUT,
            )
            known = {
                file.rfilename: (
                    file.size,
                    Digest("sha256", file.lfs.sha256)
                    if file.lfs
                    else digest_of(file.blob_id or ""),
                )
                for file in info.siblings or ()
            }
            if not info.sha:
                raise ValueError("no commit")
            return Listing(repo, info.sha, known)

        return self._patiently(what, ask)

    def piece(self, listing: Listing, name: str) -> Piece:
        """Return a file of a dataset; mirrors that list no sizes are asked for its headers.

        Raises:
            DownloadError: The hub has no such file, refuses, or does not tell its size.
        """
        url = hf_hub_url(
            listing.repo,
            name,
            repo_type="dataset",
            revision=listing.commit,
            endpoint=self.endpoint,
        )
        size, digest = listing.known.get(name, (None, None))
        if size is None:
            found = self._patiently(
                name,
                lambda: get_hf_file_metadata(
                    url,
                    headers=self._headers,
                    endpoint=self.endpoint,
                    timeout=constants.HF_HUB_ETAG_TIMEOUT,
                ),
            )
            size, digest = found.size, digest_of(found.etag or "")
        if size is None:
            raise DownloadError(f"{self.endpoint} does not tell the size of {name}")
        return Piece(name, url, size, digest)

    def read_range(self, piece: Piece, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes [start, end) of a file as they arrive, going on after cuts.

        Raises:
            DownloadError: The server refused, or kept failing.
            NoRangesError: It serves no byte ranges.
        """
        patience = Patience(piece.name, self._retries, self._note)
        position = start
        while position < end:
            begun = position
            whole = position == 0 and end == piece.size
            problem = TransientError(f"fewer than the {end - start:,} bytes asked for arrived")
            try:
                headers = {} if whole else {"Range": f"bytes={position}-{end - 1}"}
                with self._open(piece, headers) as response:
                    if not whole:
                        check_range(response, piece.name, piece.size, position)
                    for block in response.iter_raw():
                        wanted = block[: end - position]
                        position += len(wanted)
                        self._count(len(wanted))
                        yield wanted
            except LOST as error:
                problem = lost(error, piece.url)
            except TransientError as error:
                problem = error
            if position < end:
                patience.failed(problem, progress=position - begun)

    def read_whole(self, piece: Piece) -> Iterator[bytes]:
        """Yield a file from its start, once.

        Raises:
            TransientError: It ended early; another try is worth it.
            DownloadError: The server refused.
        """
        arrived = 0
        try:
            with self._open(piece, {}) as response:
                for block in response.iter_raw():
                    arrived += len(block)
                    self._count(len(block))
                    yield block
        except LOST as error:
            raise lost(error, piece.url) from error
        if arrived != piece.size:
            raise TransientError(f"{arrived:,} of {piece.size:,} bytes arrived")

    def patience(self, what: str) -> Patience:
        """Return what counts the failures of a request."""
        return Patience(what, self._retries, self._note)

    @contextmanager
    def _open(self, piece: Piece, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        """Open a file; the hub's redirect to a storage server is remembered while it holds."""
        stored = self._storage.get(piece.url)
        told = self._headers | headers
        if stored:
            # Its address is signed; the token is for the hub only.
            told = {name: value for name, value in told.items() if name.lower() != "authorization"}
        try:
            with get_session().stream(
                "GET",
                stored or piece.url,
                headers=told,
                follow_redirects=True,
                timeout=httpx2.Timeout(constants.HF_HUB_DOWNLOAD_TIMEOUT, pool=None),
            ) as response:
                if stored and response.status_code in _EXPIRED:
                    self._storage.pop(piece.url, None)
                    raise TransientError("its address at the storage server has expired", 0.0)
                check_status(response, piece.name)
                found = str(response.url)
                if urlsplit(found).netloc != urlsplit(piece.url).netloc:
                    self._storage[piece.url] = found
                yield response
        except OfflineModeIsEnabled as error:
            raise OfflineError(str(error)) from error
        except LOST:
            raise
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise DownloadError(f"{piece.name}: {error}") from error

    def _patiently(self, what: str, ask: Callable[[], _T]) -> _T:
        patience = self.patience(what)
        while True:
            try:
                return ask()
            except OfflineModeIsEnabled as error:
                raise OfflineError(str(error)) from error
            except HfHubHTTPError as error:
                patience.failed(refusal_of(error, what))
            except LOST as error:
                patience.failed(lost(error, self.endpoint))
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise DownloadError(f"{what}: {error}") from error
            except (ValueError, KeyError, TypeError) as error:
                raise DownloadError(
                    f"{self.endpoint} did not answer with {what}: {error!r}"
                ) from error

    def _count(self, count: int) -> None:
        with self._lock:
            self.received += count
