"""`clipmill review` and what other commands say of judgements, over a real run."""

import json
import shutil
from pathlib import Path

import pytest
from truthful_run import shared_workspace
from typer.testing import CliRunner

from clipmill.cli.app import app
from clipmill.errors import UsageError
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    shutil.copytree(shared_workspace(tmp_path_factory).root, tmp_path / "ws")
    return tmp_path / "ws"


def say(*words: object) -> dict[str, object]:
    result = CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_everything_works_without_a_browser(workspace, tmp_path):
    clip = next(iter(read_samples(Workspace.open(workspace)))).clip_id
    there = ("-w", workspace)
    key = say("review", "add", "keep", clip, "fine", "--judge", "Ann", *there)["id"]
    say("review", "add", "star", clip, "--judge", "Ann", *there)
    other = tmp_path / "other"
    shutil.copytree(workspace, other)
    shutil.rmtree(other / "review")
    say("review", "add", "drop", clip, "--judge", "Bob", "-w", other)
    merged = say("review", "merge", other, *there)
    assert (merged["added"], merged["conflicts"]) == (1, 1)
    (conflict,) = say("review", "conflicts", *there)["conflicts"]
    assert [row["who"] for row in conflict["judgements"]] == ["Ann", "Bob"]
    review = say("status", *there)["review"]
    assert (review["standing"], review["conflicts"], review["people"]) == (3, 1, ["Ann", "Bob"])
    assert review["newer_than_samples"] is True
    (story,) = say("why", clip, *there)["stories"]
    assert [row["kind"] for row in story["judgements"]] == ["keep", "star", "drop"]
    say("review", "undo", key, "--judge", "Ann", *there)
    assert say("review", "conflicts", *there)["conflicts"] == []
    listed = say("review", "list", clip, *there)
    assert [row["kind"] for row in listed["judgements"]] == ["star", "drop"]
    shown = CliRunner().invoke(app, ["why", clip, *map(str, there)], catch_exceptions=False)
    assert "Bob, 20" in shown.stdout
    with pytest.raises(UsageError, match="nothing to say"):
        say("review", "add", "eat", clip, *there)
