"""Extras: every install that a message or a page names exists, and brings what is missing."""

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import clipmill
from clipmill.annotations.registry import BACKENDS, find_backend

ROOT = Path(clipmill.__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
# Who takes the name of an extra: as which argument, when it has no keyword.
TAKES = {"MissingExtraError": 1, "needed_from": 0, "Needs": None}


def brought_by(extra: str) -> set[str]:
    """Return the distributions that an extra names, by way of others too; without one, the base."""
    found: set[str] = set()
    for requirement in map(Requirement, EXTRAS[extra] if extra else PROJECT["dependencies"]):
        if requirement.name == "clipmill":
            found = found.union(*map(brought_by, requirement.extras))
        else:
            found.add(canonicalize_name(requirement.name))
    return found


def extras_in_code(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        name = getattr(getattr(node, "func", None), "id", None)
        if not isinstance(node, ast.Call) or name not in TAKES:
            continue
        place = TAKES[name]
        given = [word.value for word in node.keywords if word.arg == "extra"]
        given += node.args[place : place + 1] if place is not None else []
        found |= {value.value for value in given if isinstance(value, ast.Constant)}
    return found


def test_every_extra_that_the_code_names_exists():
    named = set().union(*map(extras_in_code, SOURCES))
    assert {"demo", "frameino", "models"} <= named
    assert named <= set(EXTRAS)


def test_every_install_that_a_text_names_exists():
    profiles = (ROOT / "src").rglob("*.yaml")
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = set()
    for path in [*SOURCES, *profiles, *pages]:
        for extras in re.findall(r"clipmill\[([a-z][\w,-]*)\]", path.read_text("utf-8")):
            named |= set(extras.split(","))
    assert {"demo", "frameino", "models"} <= named
    assert named <= set(EXTRAS)


@pytest.mark.parametrize(("annotation", "name"), BACKENDS)
def test_the_extra_of_a_backend_brings_what_it_needs(annotation, name):
    needs = find_backend(annotation, name).needs
    known = packages_distributions()
    for module in needs.modules:
        names = {canonicalize_name(found) for found in known.get(module, [module])}
        assert names & brought_by(needs.extra), f"{needs.extra or 'the base'}: no {module}"


def test_the_readme_names_the_extra_of_every_backend():
    rows = re.findall(
        r"^\| *(\w*) *\| `([\w-]+)` \|.*\| ([^|]+) \|$",
        (ROOT / "README.md").read_text("utf-8"),
        re.M,
    )
    annotation, told = "", {}
    for first, name, wants in rows:
        annotation = first or annotation
        told[annotation, name] = set(re.findall(r"clipmill\[(\w+)\]", wants))
    for annotation, name in BACKENDS:
        extra = find_backend(annotation, name).needs.extra
        assert told[annotation, name] == ({extra} if extra else set()), (annotation, name)
