"""What is given away: sdist and wheel hold everything, install offline, and run on their own."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import clipmill

ROOT = Path(clipmill.__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without the checkout's sources on the path, and pip without network."""
    hidden = {"PYTHONPATH", "PYTHONSAFEPATH"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment | {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout + done.stderr
    return done


@dataclass(frozen=True)
class Built:
    """A folder with both distributions; the wheel is made of the sdist."""

    folder: Path
    sdist: Path
    wheel: Path

    def in_sdist(self) -> set[str]:
        """Return the paths below the top folder of the sdist."""
        with tarfile.open(self.sdist) as archive:
            return {name.partition("/")[2] for name in archive.getnames()}

    def in_wheel(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    wheel = ("wheel", "--quiet", "--no-build-isolation", "--no-deps", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", *wheel, sdist, cwd=folder)
    return Built(folder, sdist, next(folder.glob("*.whl")))


@pytest.fixture(scope="module")
def installed(built: Built) -> Path:
    """The Python of a new environment with the wheel, which borrows the packages it depends on."""
    environment = built.folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=built.folder)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps")
    run(*pip, built.wheel, cwd=built.folder)
    (packages,) = environment.glob("lib/*/site-packages")
    # Packages of the tests come after; an editable clipmill among them stays out, because .pth
    # files of folders that a .pth file names are not read.
    borrowed = {path for path in sys.path if path.endswith("site-packages")}
    borrowed |= {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n", encoding="utf-8")
    where = run(python, "-c", "import clipmill; print(clipmill.__file__)", cwd=built.folder)
    assert Path(where.stdout.strip()).is_relative_to(packages)
    return python


def test_the_wheel_holds_every_file_of_the_package(built):
    source = ROOT / "src"
    files = {
        str(path.relative_to(source))
        for path in (source / "clipmill").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {"clipmill/py.typed", "clipmill/profiles/cpu.yaml", "clipmill/__main__.py"} <= files
    assert {Path(name).suffix for name in files} >= {".yaml", ".j2", ".js", ".css"}
    others = built.in_wheel() - files
    assert files <= built.in_wheel()
    assert all(".dist-info/" in name for name in others), others
    assert any(name.endswith("/licenses/LICENSE") for name in others)


def test_the_sdist_can_be_tested_and_documented(built):
    held = built.in_sdist()
    for folder in ("src", "tests", "docs", "benchmarks", "tools"):
        files = {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert files <= held, sorted(files - held)[:5]
    assert {"LICENSE", "README.md", "CONTRIBUTING.md", "mkdocs.yml", "Makefile"} <= held
    strays = {name for name in held if name.startswith((".git", ".venv")) or "__pycache__" in name}
    assert strays <= {".gitignore"}  # the builder's own rule of what stays out


def test_the_program_runs_where_only_the_wheel_is(installed, tmp_path):
    version = f"clipmill {PROJECT['version']}"
    assert run(installed.with_name("clipmill"), "--version", cwd=tmp_path).stdout.strip() == version
    module = (installed, "-m", "clipmill")
    assert run(*module, "--version", cwd=tmp_path).stdout.strip() == version
    assert clipmill.__version__ == PROJECT["version"]


def test_a_pipeline_file_comes_out_of_the_wheel(installed, tmp_path):
    run(installed, "-m", "clipmill", "init", "mine.yaml", cwd=tmp_path)
    assert "annotate: objects" in (tmp_path / "mine.yaml").read_text("utf-8")


def test_types_of_the_wheel_are_seen(installed, tmp_path):
    (tmp_path / "theirs.py").write_text(
        "import clipmill\nreveal_type(clipmill.errors.ClipError.kind)\n"
        "reveal_type(clipmill.open('ws').sample('x').show().video)\nanswer: int = 'no'\n"
    )
    command = (sys.executable, "-m", "mypy", "--strict", "--python-executable", installed)
    checked = subprocess.run(
        [*map(str, command), "theirs.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert 'theirs.py:2: note: Revealed type is "str"' in checked.stdout, checked.stdout
    assert 'theirs.py:3: note: Revealed type is "bytes | None"' in checked.stdout, checked.stdout
    assert checked.stdout.count("error:") == 1  # the one that is there, so it was checked


def test_the_install_that_errors_name_works_on_what_is_installed(installed, tmp_path):
    """`pip install "clipmill[demo]"` asks no registry for clipmill, which is there already."""
    pip = (sys.executable, "-m", "pip", "--python", installed, "install", "--dry-run")
    refused = "does not provide the extra"
    known = run(*pip, "clipmill[demo,http]", cwd=tmp_path)
    assert refused not in known.stdout + known.stderr
    unknown = run(*pip, "clipmill[no-such]", cwd=tmp_path)
    assert refused in unknown.stdout + unknown.stderr
