"""One-off changes, dry runs and backends beside the pipeline file, with the real program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pipelines import BASIC

import clipmill as clipmill_package
from clipmill.config import load_pipeline
from clipmill.config.load import profile_text
from media import make_clip

SOURCE = str(Path(clipmill_package.__file__).parents[1])
OWN = """
from clipmill.annotations.shots.embedded import TransitionShots


class Mine(TransitionShots):
    name = "mine"
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("changes")
    make_clip(folder / "videos" / "good.mp4", size=(480, 320), frames=105)
    make_clip(folder / "videos" / "short.mp4", size=(480, 320), frames=20)
    (folder / "p.yaml").write_text(BASIC)
    return folder


def program(*arguments: object, cwd: Path, module: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the program in a folder."""
    how = ["-m", "clipmill"] if module else ["-c", "from clipmill.cli import main; main()"]
    return subprocess.run(
        [sys.executable, *how, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": SOURCE, "COLUMNS": "200"},
    )


@pytest.fixture
def here(clipmill, tmp_path, monkeypatch):
    """The program in this process, where everything is imported, and in the test's folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(arguments, *clipmill(*arguments))

    return invoke


def test_a_setting_changes_a_run_and_is_recorded(here, shelf, tmp_path):
    given = ("run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", tmp_path / "ws", "-j", 0)
    settings = ("basic.rules.num_frames.above=10", "windows.min_frames=1", "shots.min_frames=1")
    settings = tuple(word for setting in settings for word in ("--set", setting))
    done = here(*given, *settings)
    assert done.returncode == 0, done.stderr
    assert "shot split: 2 clips in, 2 on" in done.stderr
    recorded = load_pipeline(tmp_path / "ws" / "clipmill.yaml")
    assert recorded.steps[1].rules[4].above == 10
    assert recorded.steps[4].min_frames == 1
    done = here("status", "-w", tmp_path / "ws", "--json")
    assert json.loads(done.stdout)["steps"][-1]["leaving"] == 2
    assert (shelf / "p.yaml").read_text() == BASIC


def test_a_wrong_setting_is_wrong_usage(here, shelf, tmp_path):
    for setting in ("basic.rule=1", "shots.config.nothing=1", "shots.min_frames=0"):
        done = here("run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "--set", setting)
        assert done.returncode == 2
        assert f"error: --set {setting}" in done.stderr
        assert not (tmp_path / "workspace").exists()


def test_a_setting_of_the_default_profile_counts_before_weights_are_fetched(shelf, tmp_path):
    (tmp_path / "none").mkdir()
    done = subprocess.run(
        [
            sys.executable, "-m", "clipmill", "run", "-i", shelf / "videos", "-w", tmp_path / "ws",
            "-j", "0", "--until", "probe", "--set", "objects.backend=embedded",
            "--set", "objects.config={}",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {
            "PYTHONPATH": SOURCE, "CLIPMILL_OFFLINE": "1",
            "CLIPMILL_WEIGHTS_DIR": str(tmp_path / "none"),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "in place of cpu" not in done.stderr
    assert load_pipeline(tmp_path / "ws" / "clipmill.yaml").name == "cpu"


def test_a_dry_run_tells_the_work_and_does_none_of_it(here, shelf, tmp_path):
    given = ("run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", tmp_path / "ws")
    done = here(*given, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "time: unknown; no clip was measured here yet for probe, shots" in done.stdout
    assert "nothing was computed or written" in done.stdout
    assert not list(tmp_path.iterdir())
    assert here(*given, "-j", 0).returncode == 0
    done = here(*given, "--dry-run")
    assert "nothing is left to compute" in done.stdout
    again = (*given, "--set", "probe.config.max_pixels=1000000", "--dry-run", "-j", 3)
    answer = json.loads(here(*again, "--json").stdout)
    assert (answer["command"], answer["version"], answer["workers"]) == ("run --dry-run", 1, 3)
    steps = {step["title"]: step for step in answer["steps"]}
    assert (steps["probe"]["pending"], steps["probe"]["exact"]) == (2, True)
    # As in the run before, one of two passes the selection.
    assert (steps["shots"]["pending"], steps["shots"]["exact"]) == (1, False)
    assert answer["seconds"] == pytest.approx(sum(s["seconds"] for s in steps.values()))
    assert answer["unmeasured"] == []
    text = here(*again).stdout
    assert "with 3 workers; measured with other settings: probe, shots" in text


@pytest.mark.parametrize(
    ("offline", "told"),
    [
        ("", "weights that the run fetches first: isnet"),
        ("1", "profile embedded in place of cpu"),
    ],
)
def test_a_dry_run_of_the_default_profile_fetches_nothing(shelf, tmp_path, offline, told):
    done = subprocess.run(
        [sys.executable, "-m", "clipmill", "run", "-i", shelf / "videos", "--dry-run"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {
            "PYTHONPATH": SOURCE, "CLIPMILL_WEIGHTS_DIR": str(tmp_path),
            "CLIPMILL_OFFLINE": offline,
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert told in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())


def test_a_dry_run_is_refused_where_the_run_would_be(here, shelf, tmp_path):
    (tmp_path / "bad.yaml").write_text(
        profile_text("cpu").replace("annotate: inout", "annotate: inside")
    )
    for more in (("-c", tmp_path / "bad.yaml"), ("-c", shelf / "p.yaml", "--until", "nowhere")):
        done = here("run", "-i", shelf / "videos", *more, "--dry-run")
        assert done.returncode == 2, done.stdout


@pytest.fixture
def own(tmp_path) -> Path:
    """A pipeline file with a backend beside it, in a folder of its own."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "mybackends.py").write_text(OWN)
    (folder / "numpy.py").write_text("raise RuntimeError('this is no library')")
    text = BASIC.replace("- annotate: shots", "- annotate: shots\n    backend: mybackends:Mine")
    (folder / "pipeline.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("workers", [0, 1])
def test_a_backend_beside_the_pipeline_file_is_found_also_by_workers(shelf, own, tmp_path, workers):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    given = ("run", "-i", shelf / "videos", "-c", own / "pipeline.yaml", "-w", tmp_path / "ws")
    done = program(*given, "-j", workers, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert "shots: 1 clips in, 1 on" in done.stderr
    done = program("status", "-w", tmp_path / "ws", "--json", cwd=elsewhere)
    (shots,) = [s for s in json.loads(done.stdout)["steps"] if s["title"] == "shots"]
    assert (shots["backend"], shots["leaving"]) == ("mybackends:Mine", 1)


def test_a_relative_pipeline_file_has_its_folder_too(shelf, own):
    done = program(
        "run", "-i", shelf / "videos", "-c", "pipeline.yaml", "-w", "ws", "-j", 1, cwd=own
    )
    assert done.returncode == 0, done.stderr


def test_the_current_directory_is_not_looked_into(shelf, own, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (own / "pipeline.yaml").rename(other / "pipeline.yaml")
    done = program("run", "-i", shelf / "videos", "-c", other / "pipeline.yaml", cwd=own)
    assert done.returncode == 2, done.stderr
    told = " ".join(done.stderr.split())
    assert "No module named 'mybackends'; put mybackends.py beside the pipeline file" in told
    assert not (own / "workspace").exists()
