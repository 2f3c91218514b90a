"""OpenCV: several builds of it in one environment overwrite each other's files."""

import traceback
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from clipmill.preflight.finding import Finding

if TYPE_CHECKING:
    from clipmill.preflight.examined import Examined

_BUILDS = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def check_opencv(examined: "Examined | None" = None) -> Iterator[Finding]:
    """Yield the builds of OpenCV that are installed."""
    found = {build: told for build in _BUILDS if (told := _version(build))}
    text = ", ".join(f"{build} {told}" for build, told in found.items()) or "built by hand"
    alone = "headless" in text and len(found) == 1
    broken = "" if alone else _broken()
    command = (
        f"pip uninstall -y {' '.join(found)} && "
        "pip install --force-reinstall --no-deps opencv-python-headless"
    )
    if broken:
        yield Finding("OpenCV", "cv2", "missing", f"{text}: {broken}", command=command)
    elif len(found) > 1:
        todo = "they overwrite each other's files: keep opencv-python-headless only"
        yield Finding("OpenCV", "cv2", "warning", f"{len(found)} builds: {text}", todo, command)
    else:
        yield Finding("OpenCV", "cv2", "ok", text)


def _version(build: str) -> str:
    try:
        return version(build)
    except PackageNotFoundError:
        return ""


def _broken() -> str:
    """Return why it cannot be imported, e.g. `libGL.so.1: cannot open shared object file`."""
    try:
        import cv2  # noqa: F401
    except (ImportError, AttributeError) as error:  # half of one build, half of another
        return str(error)
    return ""


def of_opencv(error: ImportError) -> bool:
    """Tell whether an import failed in OpenCV itself, which most commands need."""
    frames = traceback.extract_tb(error.__traceback__)
    return any("/cv2" in frame.filename.replace("\\", "/") for frame in frames)


def explain_opencv() -> str:
    """Return what is wrong with OpenCV, and what mends it."""
    (found,) = check_opencv()
    return f"OpenCV cannot be imported: {found.text}. Mend it with: {found.command}"
