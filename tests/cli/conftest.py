"""Run the program as a user types it."""

import sys

import pytest

from clipmill.cli import main


@pytest.fixture
def clipmill(capsys, monkeypatch):
    """Run the program in this process; returns exit code, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["clipmill", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    return invoke
