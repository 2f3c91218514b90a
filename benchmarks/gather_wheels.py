"""Gathers the wheels that a GPU machine without network lacks for `gpu.py`.

    python benchmarks/gather_wheels.py --target FOLDER [--python 3.12] [--have PACKAGE ...]

The machine is x86-64 Linux with torch, transformers, OpenCV, pyarrow and the rest of the usual
scientific packages. What it commonly lacks is listed below; `--have` leaves out what it has. There,
unpack the wheels into a folder and name that in PYTHONPATH:

    python -m pip install --no-index --no-deps --no-compile --target SITE FOLDER/*.whl

`napari-cotrack` is here for the copy of CoTracker's code inside it (CC-BY-NC-4.0, as published by
its authors: not for commercial use), which no package of its own holds. TransNetV2 is left out:
its weights alone take half of the room.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LACKING = (
    "av==18.1.0",
    "pydantic==2.14.4", "pydantic-core==2.50.5", "annotated-types", "typing-inspection",
    "pycocotools>=2.0.8",
    "napari-cotrack==0.1.7",
)  # fmt: skip
"""pydantic goes with one release of pydantic-core only."""

LIMIT_MIB = 60

_PLATFORMS = (
    "manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_24_x86_64",
    "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, required=True, help="folder of the wheels")
    parser.add_argument("--python", default="3.12", help="version of Python there")
    parser.add_argument("--have", nargs="*", default=[], help="packages that are there already")
    options = parser.parse_args()
    options.target.mkdir(parents=True, exist_ok=True)
    for requirement in wanted(options.have):
        subprocess.run(command(requirement, options.target, options.python), check=True)
    size = sum(path.stat().st_size for path in options.target.glob("*.whl")) / 2**20
    print(f"{size:.1f} MiB in {options.target}, bar {LIMIT_MIB} MiB")
    if size > LIMIT_MIB:
        raise SystemExit("too large: leave packages out with --have")


def name_of(requirement: str) -> str:
    """Return the package that a requirement names."""
    return re.split("[<>=]", requirement, maxsplit=1)[0]


def wanted(have: Sequence[str]) -> list[str]:
    """Return the requirements of packages that are not there."""
    return [each for each in LACKING if name_of(each) not in have]


def command(requirement: str, target: Path, python: str) -> list[str]:
    """Return the call of pip that puts one wheel into the folder."""
    platforms = [f"--platform={name}" for name in _PLATFORMS]
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    version = ["--implementation=cp", f"--python-version={python}"]
    return [*pip, *version, *platforms, "-d", str(target), requirement]


if __name__ == "__main__":
    main()
