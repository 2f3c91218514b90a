"""Which backends there are: a table of import paths, so that heavy libraries load late."""

import importlib
from importlib.metadata import entry_points

from clipmill.annotations.base import Backend
from clipmill.errors import UsageError

BACKENDS: dict[tuple[str, str], str] = {
    ("probe", "embedded"): "clipmill.annotations.probe.embedded:EmbeddedProbe",
    ("shots", "embedded"): "clipmill.annotations.shots.embedded:TransitionShots",
    ("shots", "transnetv2"): "clipmill.annotations.shots.transnetv2:TransNetV2Shots",
    ("shots", "autoshot"): "clipmill.annotations.shots.autoshot:AutoShotShots",
    ("hashes", "embedded"): "clipmill.annotations.hashes.embedded:PictureHashes",
    ("quality", "embedded"): "clipmill.annotations.quality.embedded:EmbeddedQuality",
    ("quality", "frameino"): "clipmill.annotations.quality.frameino:FrameinoQuality",
    ("objects", "embedded"): "clipmill.annotations.objects.embedded:MovingObjects",
    ("objects", "isnet"): "clipmill.annotations.objects.isnet:SalientObjects",
    ("objects", "oneformer"): "clipmill.annotations.objects.oneformer:OneFormerObjects",
    ("objects", "transformers"): "clipmill.annotations.objects.transformers:TransformersObjects",
    ("camera", "embedded"): "clipmill.annotations.camera.embedded:BackgroundCamera",
    ("camera", "vggt4track"): "clipmill.annotations.camera.vggt4track:VGGT4TrackCamera",
    ("caption", "embedded"): "clipmill.annotations.caption.embedded:ProvidedCaption",
    ("caption", "openai"): "clipmill.annotations.caption.openai:OpenAICaption",
    ("caption", "transformers"): "clipmill.annotations.caption.transformers:TransformersCaption",
    ("tracks", "embedded"): "clipmill.annotations.tracks.embedded:ChainedFlowTracks",
    ("tracks", "cotracker3"): "clipmill.annotations.tracks.cotracker3:CoTracker3Tracks",
    ("inout", "embedded"): "clipmill.annotations.inout.embedded:CarriedMasks",
    ("inout", "sam2"): "clipmill.annotations.inout.sam2:Sam2InOut",
}
"""(annotation, backend) -> `module:Class`. Plugins add theirs as `clipmill.backends` entry
points named `annotation.backend`. In the order of the standard pipeline."""

ANNOTATIONS = tuple(dict.fromkeys(annotation for annotation, _ in BACKENDS))
"""Every annotation, in the order of the standard pipeline."""


def _plugins() -> dict[tuple[str, str], str]:
    found = {}
    for point in entry_points(group="clipmill.backends"):
        annotation, _, backend = point.name.partition(".")
        found[annotation, backend] = point.value
    return found


def available(annotation: str) -> list[str]:
    """Return the names of the backends of an annotation, sorted."""
    known = BACKENDS | _plugins()
    return sorted(backend for name, backend in known if name == annotation)


def find_backend(annotation: str, backend: str) -> type[Backend]:
    """Return the class of a backend.

    Args:
        annotation: Name of the annotation.
        backend: Name of a backend, or `module:Class` of one's own that can be imported.

    Raises:
        UsageError: No such annotation or backend; the message lists those there are.
    """
    path = backend if ":" in backend else (BACKENDS | _plugins()).get((annotation, backend))
    if path is None:
        if annotation not in ANNOTATIONS and not available(annotation):
            raise UsageError(
                f"unknown annotation '{annotation}'; known are: {', '.join(ANNOTATIONS)}"
            )
        raise UsageError(
            f"annotation '{annotation}' has no backend '{backend}'; "
            f"there are: {', '.join(available(annotation))}"
        )
    found = _import(path)
    if found.annotation != annotation:
        raise UsageError(f"backend '{backend}' computes '{found.annotation}', not '{annotation}'")
    return found


def _import(path: str) -> type[Backend]:
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        own = missing == module.partition(".")[0]
        remedy = f"; put {missing}.py beside the pipeline file, or install it" if own else ""
        raise UsageError(f"backend '{path}' cannot be imported: {error}{remedy}") from error
    if not (isinstance(found, type) and issubclass(found, Backend)):
        raise UsageError(f"backend '{path}' is no subclass of clipmill.annotations.base.Backend")
    return found
