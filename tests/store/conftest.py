"""Workspaces of every kind: the store's tests run over all of them."""

import secrets

import pytest
from hypothesis import HealthCheck, settings

from clipmill.store import Workspace
from clipmill.store.storage.remote import RemoteStorage

# A busy machine is no reason for a property test to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(params=["local", "objects", "renaming"])
def workspace(request, tmp_path):
    """Return an empty workspace: on a disk, in an object store, behind something like sftp."""
    if request.param == "objects":
        return Workspace.open(f"memory://{secrets.token_hex(6)}/ws", create=True)
    if request.param == "renaming":  # where fsspec uploads can be seen half-done
        return Workspace(RemoteStorage((tmp_path / "ws").as_uri()))
    return Workspace.open(tmp_path / "ws", create=True)


@pytest.fixture
def local(tmp_path):
    """Return an empty workspace on the disk."""
    return Workspace.open(tmp_path / "ws", create=True)
