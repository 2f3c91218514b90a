"""A workspace on a disk and one behind a URL: the store's tests run over both."""

import secrets

import pytest

from clipmill.store import Workspace


@pytest.fixture(params=["local", "memory"])
def workspace(request, tmp_path):
    """Return an empty workspace."""
    uri = tmp_path / "ws" if request.param == "local" else f"memory://{secrets.token_hex(6)}/ws"
    return Workspace.open(uri, create=True)


@pytest.fixture
def local(tmp_path):
    """Return an empty workspace on the disk."""
    return Workspace.open(tmp_path / "ws", create=True)
