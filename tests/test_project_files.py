"""Files for people and machines around the code agree with the project that they speak of."""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import clipmill

ROOT = Path(clipmill.__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
pytestmark = pytest.mark.skipif(not (ROOT / ".github").exists(), reason="not a checkout")


def read_yaml(path: str):
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def test_the_workflow_tests_every_python_that_is_promised():
    (job,) = read_yaml(".github/workflows/ci.yml")["jobs"].values()
    language = "Programming Language :: Python :: "
    promised = {c.removeprefix(language) for c in PROJECT["classifiers"] if c.startswith(language)}
    assert set(job["strategy"]["matrix"]["python"]) == promised
    assert (
        f">={min(promised, key=lambda v: tuple(map(int, v.split('.'))))}"
        == PROJECT["requires-python"]
    )
    assert "make test" in [step.get("run") for step in job["steps"]]


def test_the_workflow_keys_its_cache_by_a_file_that_is_there():
    text = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    (hashed,) = re.findall(r"hashFiles\('([^']+)'\)", text)
    assert (ROOT / hashed).exists()


def test_hooks_are_valid_and_run_programs_that_the_environment_has():
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    subprocess.run(command, cwd=ROOT, check=True)
    (repo,) = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"  # nothing is fetched
    dev = {Requirement(text).name for text in PROJECT["optional-dependencies"]["dev"]}
    programs = {hook["entry"].split()[0] for hook in repo["hooks"]}
    assert programs == {".venv-test/bin/ruff", ".venv-test/bin/mypy"}
    assert {Path(program).name for program in programs} <= dev


def test_the_citation_names_this_version_and_licence():
    citation = read_yaml("CITATION.cff")
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


def test_the_licence_is_the_one_that_is_named():
    text = " ".join((ROOT / "LICENSE").read_text("utf-8").split())
    assert PROJECT["license"] == "Apache-2.0"
    assert text.startswith("Apache License Version 2.0, January 2004")
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("name", ["bug", "idea"])
def test_issue_forms_ask_something_in_every_field(name):
    form = read_yaml(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert form["name"]
    assert form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    assert all(field["attributes"]["label"] for field in form["body"])


def test_the_image_is_built_from_files_that_reach_it():
    text = (ROOT / "Dockerfile").read_text("utf-8")
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M)
        for name in line.split()
    ]
    allowed = [
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line[:1] == "!"
    ]
    assert {"pyproject.toml", "src"} <= set(copied)
    for name in copied:
        assert (ROOT / name).exists(), name
        assert any(fnmatch(name, pattern) for pattern in allowed), name
    (python,) = re.findall(r"^ARG PYTHON=(.+)$", text, re.M)
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    extras = {
        extra for found in re.findall(r"\.whl\)\[(.+?)\]", text) for extra in found.split(",")
    }
    assert extras
    assert extras <= set(PROJECT["optional-dependencies"])
    # The last stage is what a plain `docker build` makes.
    assert re.findall(r"^FROM \S+ AS (\w+)$", text, re.M)[-1] == "cpu"
