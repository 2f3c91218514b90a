"""All containers by name."""

from clipmill.errors import UsageError
from clipmill.export.containers.base import Container
from clipmill.export.containers.huggingface import HuggingFaceContainer
from clipmill.export.containers.tree import FolderContainer
from clipmill.export.containers.webdataset import WebDatasetContainer

_CONTAINERS: dict[str, type[Container]] = {
    container.name: container
    for container in (FolderContainer, WebDatasetContainer, HuggingFaceContainer)
}


def find_container(name: str) -> type[Container]:
    """Return the class of a container.

    Raises:
        UsageError: Names those there are.
    """
    if name not in _CONTAINERS:
        raise UsageError(f"no container '{name}'; there are: {', '.join(_CONTAINERS)}")
    return _CONTAINERS[name]
