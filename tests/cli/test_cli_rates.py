"""How fast the steps went is told at the end of a run, and by `status`."""

import json
import shutil

import pytest
from pipelines import BASIC

from media import make_clip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rates")
    for name, frames in (("a", 105), ("b", 107)):
        make_clip(folder / f"{name}.mp4", size=(480, 320), frames=frames)
    return folder


@pytest.fixture
def videos(shelf, tmp_path):
    shutil.copytree(shelf, tmp_path / "videos")
    (tmp_path / "p.yaml").write_text(BASIC)
    return tmp_path


def test_a_run_and_status_tell_how_fast_the_steps_went(clipmill, videos):
    where = ("-w", videos / "ws")
    run = ("run", "-i", videos / "videos", "-c", videos / "p.yaml", "-j", 1, *where)
    code, out, err = clipmill(*run, "--json")
    assert code == 0, err
    rates = json.loads(out)["rates"]
    assert set(rates) == {"probe", "shots"}
    shots = rates["shots"]
    assert (shots["clips"], shots["workers"], shots["peak_gpu"]) == (2, 1, 0)
    assert shots["clips_per_hour"] == pytest.approx(3600 * 2 / shots["seconds"])
    assert 0 < shots["busy"] < 1 and 0 < shots["waiting"] < 1
    assert shots["busy"] + shots["waiting"] <= 1.0001
    assert shots["peak_rss"] > 10_000_000

    # A run that has nothing to do measures nothing, and forgets nothing.
    code, out, _ = clipmill(*run)
    assert code == 0 and "clips/h" not in out
    code, out, _ = clipmill("status", *where)
    assert "clips/h" in out and "GPU" not in out
    code, out, _ = clipmill("status", "--json", *where)
    assert json.loads(out)["rates"] == rates

    # With other settings it is another table: nothing is known of it yet.
    other = "- annotate: shots\n    config: {threshold: 0.4}"
    (videos / "p.yaml").write_text(BASIC.replace("- annotate: shots", other))
    code, out, err = clipmill(*run, "--until", "probe")
    assert code == 0, err
    code, out, _ = clipmill("status", "--json", *where)
    assert set(json.loads(out)["rates"]) == {"probe"}


def test_rates_that_cannot_be_read_are_no_obstacle(clipmill, videos):
    where = ("-w", videos / "ws")
    run = ("run", "-i", videos / "videos", "-c", videos / "p.yaml", "-j", 0, *where)
    assert clipmill(*run)[0] == 0
    (videos / "ws" / "rates.json").write_text('{"probe": 5}')
    code, out, _ = clipmill("status", *where)
    assert code == 0 and "clips/h" not in out
    make_clip(videos / "videos" / "c.mp4", size=(480, 320), frames=106)
    assert "clips/h" in clipmill(*run)[1]


@pytest.mark.parametrize(
    "field", ["gpus: 2", "gpus: -1", "workers: 0", "decode_threads: 0", "ahead: 0"]
)
def test_what_no_worker_can_be_given_is_refused(clipmill, videos, field):
    (videos / "p.yaml").write_text(f"name: t\nsteps:\n  - annotate: probe\n    {field}\n")
    run = ("run", "-i", videos / "videos", "-c", videos / "p.yaml", "-w", videos / "ws")
    code, _, err = clipmill(*run)
    assert code == 2
    assert field.partition(":")[0] in err and "p.yaml:4" in err
    assert not (videos / "ws").exists()
