"""The site of `make docs`: it is built without a broken link, and has every public name."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import clipmill

ROOT = Path(clipmill.__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "mkdocs.yml").exists(), reason="not a checkout")


def public_names(path: Path) -> set[str]:
    """Return `__all__` of a file, without importing what it needs."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    raise AssertionError(f"{path} has no __all__")


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("docs_pages", ROOT / "tools" / "docs_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr
    return folder


def test_the_site_has_every_page_and_every_public_name(site, hook):
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    pages |= {Path(page).stem for page in hook.PAGES.values()}
    assert pages <= {path.stem for path in site.glob("*.html")}
    reference = (site / "api.html").read_text("utf-8")
    source = ROOT / "src" / "clipmill"
    training = public_names(source / "training" / "__init__.py")
    errors = re.findall(r"^class (\w+)", (source / "errors.py").read_text("utf-8"), re.MULTILINE)
    assert {"MotionDataset", "InOutDataset"} <= training
    assert (site / "notebook.ipynb").exists()
    results = [f"results.{n}" for n in ("Results.clips", "Results.scores", "Sample.show")]
    names = [*(f"training.{n}" for n in training), *(f"errors.{n}" for n in errors)]
    for name in ["open", *results, *names]:
        assert f'id="clipmill.{name}"' in reference, name


def test_the_site_fetches_nothing(site):
    for page in site.glob("*.html"):
        text = page.read_text("utf-8")
        assert 'src="http' not in text, page.name
        assert '<link rel="stylesheet" href="http' not in text, page.name


@pytest.mark.parametrize(
    ("name", "text", "there"),
    [
        ("README.md", "[a](docs/exports.md#x)", "[a](exports.md#x)"),
        ("README.md", "![a](docs/images/report.png)", "![a](images/report.png)"),
        ("README.md", "[a](benchmarks/README.md)", "[a](benchmarks.md)"),
        ("docs/api.md", "[a](../CHANGELOG.md)", "[a](changelog.md)"),
        ("docs/api.md", "[a](training.md)", "[a](training.md)"),
        ("docs/api.md", "[a](../pyproject.toml)", "a"),
        ("docs/api.md", "`[a](../pyproject.toml)`", "`[a](../pyproject.toml)`"),
        ("docs/api.md", "[a](https://example.org/x.md)", "[a](https://example.org/x.md)"),
        # What leads nowhere stays, and stops the build.
        ("README.md", "[a](docs/no-such.md)", "[a](no-such.md)"),
        ("README.md", "[a](no-such.md)", "[a](no-such.md)"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(hook, name, text, there):
    assert hook.site_links(text, name) == there


def test_a_broken_link_stops_the_build(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("[nowhere](no-such.md)\n")
    validation = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nvalidation:\n")[2]
    rules = validation.partition("\n\n")[0]
    config = f"site_name: small\nstrict: true\ntheme: readthedocs\nvalidation:\n{rules}\n"
    (tmp_path / "mkdocs.yml").write_text(config)
    command = [sys.executable, "-m", "mkdocs", "build"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "no-such.md" in done.stdout + done.stderr
