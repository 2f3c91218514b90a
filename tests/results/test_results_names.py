"""The public names: `import clipmill` loads no library, and the notebook of the docs runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import clipmill
import clipmill.errors
import clipmill.training

ROOT = Path(clipmill.__file__).parents[2]
HEAVY = ("numpy", "pyarrow", "cv2", "av", "torch", "pydantic", "PIL", "jinja2", "pandas")


def python(code: str, **more) -> str:
    """Return what a program of its own prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert not done.returncode, done.stderr
    return done.stdout


def test_importing_the_package_loads_no_library():
    code = (
        "import sys, clipmill; dir(clipmill); from clipmill import open\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert python(code).split() == []


def test_public_names_are_there_without_an_import_of_their_own():
    code = (
        "import clipmill\n"
        "print(clipmill.training.MotionDataset.__name__, clipmill.Sample.__name__,"
        " clipmill.errors.UsageError.__name__)"
    )
    assert python(code).split() == ["MotionDataset", "Sample", "UsageError"]
    assert set(clipmill.__all__) <= set(dir(clipmill))
    assert all(getattr(clipmill, name) is not None for name in clipmill.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        clipmill.no_such_name  # noqa: B018


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="not a checkout: no documents here")
def test_the_notebook_runs(results, tmp_path):
    """Its cells run in order, and each shows what it ends with as a notebook would."""
    notebook = json.loads((ROOT / "docs" / "notebook.ipynb").read_text("utf-8"))
    assert notebook["nbformat"] == 4
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert not any(c.get("outputs") for c in notebook["cells"])
    (tmp_path / "demo-workspace").symlink_to(results.workspace)
    (tmp_path / "cells.json").write_text(json.dumps(cells))
    code = """
import ast, json, pathlib
names = {}
for number, cell in enumerate(json.loads(pathlib.Path("cells.json").read_text())):
    *before, last = ast.parse(cell).body
    exec(compile(ast.Module(before, []), f"cell {number}", "exec"), names)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), f"cell {number}", "exec"), names)
        continue
    value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    html = getattr(value, "_repr_html_", lambda: None)()
    print(f"cell {number}", type(value).__name__, "html" if html else "text")
"""
    environment = os.environ | {"PYTHONPATH": ":".join([str(ROOT / "src"), *sys.path])}
    done = python(code, cwd=tmp_path, env=environment)
    shown = {tuple(line.split()[2:4]) for line in done.splitlines()}
    assert {("DataFrame", "html"), ("SampleView", "html")} <= shown
