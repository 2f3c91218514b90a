"""Annotations of an earlier run, looked at where their models may not be installed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipmill.annotations.base import Backend, BackendConfig, Needs
from clipmill.annotations.registry import available, find_backend
from clipmill.errors import ClipmillError, UsageError
from clipmill.store.workspace import Workspace


@dataclass(frozen=True)
class Recorded:
    """An annotation as its run noted it.

    Attributes:
        backend: Its backend.
        version: Version of that.
        fingerprint: Its table.
        identity: What decides its output besides settings and version: model, weights.
        weights: Registry names of its weights, which have licences.
        licence: Licence of the method.
    """

    backend: str
    version: int
    fingerprint: str
    identity: Mapping[str, str] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    licence: str = ""


def look_at_backend(annotation: str, name: str, noted: Recorded | None) -> type[Backend]:
    """Return the class of a backend; a stand-in where it cannot be imported.

    All backends of an annotation have the same rows, so the rows of one that is missing are read
    with the schema of another.

    Raises:
        UsageError: No such annotation.
    """
    try:
        return find_backend(annotation, name)
    except (ImportError, UsageError):
        if not available(annotation):
            raise
    for other in sorted(available(annotation), key=lambda backend: backend != "embedded"):
        try:
            base = find_backend(annotation, other)
        except (ImportError, UsageError):
            continue
        told = {
            "name": name,
            "version": noted.version if noted else 0,
            "needs": Needs(
                weights=tuple(noted.weights) if noted else (),
                licence=noted.licence if noted else "unknown: not installed here",
            ),
        }
        return type("StandIn", (base,), told)
    raise UsageError(f"no backend of '{annotation}' can be imported; install one to look at it")


def stored_identity(
    workspace: Workspace, annotation: str, backend: type[Backend], config: BackendConfig
) -> dict[str, str]:
    """Return the identity of a backend's model, from beside its rows where it is not here.

    For workspaces whose run noted nothing.

    Args:
        workspace: Where rows are.
        annotation: Name of the annotation.
        backend: Its class.
        config: Its settings.
    """
    try:
        return backend.identity(config)
    except (ClipmillError, ImportError, OSError):
        pass  # its package or weights are missing here
    settings = json.loads(json.dumps(config.result_settings()))
    for fingerprint in workspace.names(f"annotations/{annotation}"):
        manifest = _manifest(workspace, f"annotations/{annotation}/{fingerprint}/manifest.json")
        if manifest.get("backend") != backend.name or manifest.get("version") != backend.version:
            continue
        known: Mapping[str, Any] = manifest.get("config") or {}
        if all(known.get(name) == value for name, value in settings.items()):
            return dict(manifest.get("identity") or {})
    return {}


def _manifest(workspace: Workspace, path: str) -> dict[str, Any]:
    try:
        value = json.loads(workspace.read_bytes(path) or b"{}")
    except ValueError:  # damaged: `clipmill check` tells
        return {}
    return value if isinstance(value, dict) else {}
