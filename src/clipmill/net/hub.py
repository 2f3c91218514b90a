"""The Hugging Face hub, through its own library.

`huggingface_hub` finds commits, files, sizes, checksums, addresses and credentials, so mirrors and
tokens are set as everywhere (`HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_ETAG_TIMEOUT`, ...). Contents are
read by `Http`: the library fetches whole files into its own cache only.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import build_hf_headers

import clipmill
from clipmill.disk.digest import Digest
from clipmill.net.http import HEADERS, Http

_CLIENT = {"library_name": "clipmill", "library_version": clipmill.__version__}


@dataclass(frozen=True)
class HubFile:
    """What the hub announces of a file.

    Attributes:
        name: Name in the repository.
        url: Address of exactly this revision.
        size_bytes: Size, if announced.
        digest: Checksum, if announced: SHA-256 of a large file, git's id of a small one.
        commit: Commit the revision stands for, if announced.
    """

    name: str
    url: str
    size_bytes: int | None = None
    digest: Digest | None = None
    commit: str | None = None


@dataclass(frozen=True)
class HubListing:
    """The files of a repository at one commit.

    Attributes:
        repo: Name of the repository.
        commit: Commit its revision stands for.
        files: By name; without size and checksum where the server does not list them.
    """

    repo: str
    commit: str
    files: dict[str, HubFile]


class Hub(Http):
    """A hub, asked with the user's access token if there is one; no other server sees it.

    Args:
        kind: Of the repositories that are asked for.
        settings: See `Http`.

    Attributes:
        endpoint: Address of the hub; `HF_ENDPOINT` overrides it.
    """

    def __init__(self, kind: Literal["model", "dataset"], **settings: Any) -> None:
        super().__init__(**settings)
        self.kind = kind
        self.endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
        self._headers = HEADERS | build_hf_headers(**_CLIENT)

    def list_files(self, repo: str, revision: str) -> HubListing:
        """Return the commit a revision stands for, and its files.

        Raises:
            DownloadError: No such repository or revision, or an answer that makes no sense.
        """
        api = HfApi(endpoint=self.endpoint, **_CLIENT)

        def ask() -> HubListing:
            found = api.repo_info(
                repo,
                repo_type=self.kind,
                revision=revision,
                files_metadata=True,
                timeout=constants.HF_HUB_ETAG_TIMEOUT,
            )
            if not found.sha:
                raise ValueError("no commit")
            files = {}
            for file in found.siblings or ():
                name = file.rfilename
                digest = (
                    Digest("sha256", file.lfs.sha256) if file.lfs else digest_of(file.blob_id or "")
                )
                url = self._url(repo, found.sha, name)
                files[name] = HubFile(name, url, file.size, digest, found.sha)
            return HubListing(repo, found.sha, files)

        return self.ask(f"the file list of {repo} at {revision}", self.endpoint, ask)

    def announce(self, repo: str, revision: str, name: str) -> HubFile:
        """Return what the hub announces of a file, by its headers.

        Raises:
            DownloadError: The hub has no such file, or refuses.
        """
        url = self._url(repo, revision, name)
        found = self.ask(
            f"{repo}/{name}",
            url,
            lambda: get_hf_file_metadata(
                url,
                headers=self._headers,
                endpoint=self.endpoint,
                timeout=constants.HF_HUB_ETAG_TIMEOUT,
            ),
        )
        return HubFile(name, url, found.size, digest_of(found.etag or ""), found.commit_hash)

    def _headers_for(self, url: str) -> dict[str, str]:
        return self._headers if url.startswith(f"{self.endpoint}/") else HEADERS

    def _url(self, repo: str, revision: str, name: str) -> str:
        return hf_hub_url(
            repo, name, repo_type=self.kind, revision=revision, endpoint=self.endpoint
        )


def digest_of(etag: str) -> Digest | None:
    """Return the checksum an entity tag is, if it is one."""
    if re.fullmatch(r"[0-9a-f]{64}", etag):
        return Digest("sha256", etag)
    return Digest("git-sha1", etag) if re.fullmatch(r"[0-9a-f]{40}", etag) else None


def cached_blob(repo: str, digest: Digest | None) -> Path | None:
    """Return a model's file with this checksum from the hub's own cache, if it is there."""
    if digest is None:
        return None
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")
    blob = folder / "blobs" / digest.value
    return blob if blob.is_file() else None
