"""Imports respect the layers: data goes down the list in docs/architecture.md, never up."""

import ast
import re
from collections import Counter
from collections.abc import Mapping, Set
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import clipmill
from clipmill.annotations.registry import BACKENDS

ROOT = Path(clipmill.__file__).parent

# What each part of the package may import from the package, besides itself. `errors` and
# `clips` are the vocabulary and free for all.
ALLOWED = {
    "errors": set(),
    "clips": set(),
    "failures": set(),
    "orphans": set(),
    "choice": set(),
    "canvas": set(),
    "disk": set(),
    "net": {"disk"},
    "video": set(),
    "vision": set(),
    "store": {"disk"},
    "models": set(),
    "weights": {"disk", "net"},
    "download": {"choice", "disk", "net"},
    "annotations": {"disk", "video", "store", "annotations", "models", "vision", "weights"},
    "selection": {"store"},
    "config": {"selection"},
    "sources": {"config"},
    "manifest": {"disk"},
    "review": {"store"},
    "samples": {"annotations", "review", "store"},
    "engine": {"annotations", "store"},
    "preflight": {
        "annotations", "config", "disk", "engine", "models", "net", "sources", "weights",
    },
    "pipeline": {
        "annotations", "config", "engine", "preflight", "review", "samples", "selection", "sources",
        "store", "video", "weights",
    },
    "export": {
        "annotations", "canvas", "choice", "config", "disk", "manifest", "pipeline", "review",
        "samples", "store", "video",
    },
    "inspection": {
        "annotations", "canvas", "config", "disk", "pipeline", "review", "samples", "selection",
        "store", "video",
    },
    "whatif": {"config", "pipeline", "selection"},
    "results": {
        "annotations", "config", "inspection", "pipeline", "samples", "store", "video",
    },
    "audit": {"pipeline", "results", "store"},
    "report": {
        "annotations", "audit", "config", "disk", "engine", "inspection", "pipeline", "samples",
        "store",
    },
    "browse": {
        "annotations", "audit", "canvas", "config", "disk", "inspection", "pipeline", "results",
        "review", "samples", "selection", "store", "video", "whatif",
    },
    "training": {"canvas", "manifest", "pipeline", "samples", "store", "video"},
    "demo": {"annotations", "store", "pipeline", "video"},
    "cli": {
        "annotations", "audit", "browse", "config", "demo", "disk", "download", "engine", "export",
        "inspection", "models", "net", "pipeline", "preflight", "report", "review", "samples",
        "selection", "sources", "store", "video", "weights", "whatif",
    },
    "__main__": {"cli"},
}  # fmt: skip
FREE = {"errors", "clips", "failures", "orphans"}


@cache
def _nodes(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Return all imports of a file, also those inside of functions."""
    tree = ast.walk(ast.parse(path.read_text("utf-8")))
    return [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in _nodes(path):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
            if node.module == "clipmill":
                names = [f"clipmill.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("clipmill.")}
    return found


def _files() -> list[tuple[str, Path]]:
    return [(p.relative_to(ROOT).parts[0].removesuffix(".py"), p) for p in ROOT.rglob("*.py")]


ANNOTATIONS = ROOT / "annotations"


def _modules(path: Path) -> set[str]:
    """Return the modules that a file imports from the package, dotted, without `clipmill.`."""
    found = set()
    for node in _nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            # A name may be a module itself, as in `from clipmill.annotations import tracks`.
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name.removeprefix("clipmill.") for name in found if name.startswith("clipmill.")}


def _insides(path: Path) -> set[tuple[str, ...]]:
    """Return what a file imports from within annotations: (annotation, module, ...)."""
    names = {name.removeprefix("annotations.") for name in _modules(path)}
    parts = {tuple(name.split(".")) for name in names}
    return {part for part in parts if (ANNOTATIONS / part[0]).is_dir() and len(part) > 1}


def test_an_annotation_knows_of_another_only_its_schema():
    wrong = []
    for path in ANNOTATIONS.rglob("*.py"):
        own = path.relative_to(ANNOTATIONS).parts[0]
        wrong += [
            f"{path.relative_to(ROOT)} imports {'.'.join(module)}"
            for module in _insides(path)
            if module[0] != own and module[1] != "schema"
        ]
    assert not wrong, "\n".join(sorted(wrong))


def _backend_files() -> dict[str, set[str]]:
    """Return the modules that hold backends, by annotation."""
    found: dict[str, set[str]] = {}
    for where in BACKENDS.values():
        annotation, module = where.split(":")[0].split(".")[2:4]
        found.setdefault(annotation, set()).add(module)
    return found


def test_a_method_knows_no_backend():
    """Methods live in sub-packages below their annotation, and are used by backends."""
    methods = [path for path in ANNOTATIONS.glob("*/*/*.py") if path.parent.name != "__pycache__"]
    assert {path.parent.name for path in methods} >= {"moving", "propagation", "chained_flow"}
    wrong = []
    for path in methods:
        own = path.relative_to(ANNOTATIONS).parts[0]
        wrong += [
            f"{path.relative_to(ROOT)} imports the backend {module[1]}"
            for module in _insides(path)
            if module[0] == own and module[1] in _backend_files()[own]
        ]
    assert not wrong, "\n".join(sorted(wrong))


def test_the_ground_knows_nothing_of_what_stands_on_it():
    for part, below in (
        ("disk", set()), ("net", {"disk"}), ("vision", set()), ("video", set()),
        ("store", {"disk"}),
    ):  # fmt: skip
        assert ALLOWED[part] == below
        for path in (ROOT / part).rglob("*.py"):
            others = {name.split(".")[0] for name in _modules(path)} - FREE - {part, "__version__"}
            others -= below
            assert not others, f"{path.relative_to(ROOT)} imports {others}"


def test_every_part_of_the_package_has_a_layer():
    parts = {part for part, _ in _files() if part != "__init__"}
    assert parts == set(ALLOWED)


def test_imports_go_down_only():
    wrong = []
    for part, path in _files():
        if part == "__init__":
            continue
        for other in _imports(path) - ALLOWED[part] - FREE - {part, "__version__"}:
            wrong.append(f"{path.relative_to(ROOT)} imports clipmill.{other}")
    assert not wrong, "\n".join(wrong)


def test_the_layers_have_no_circle():
    _order({part: below - {part} for part, below in ALLOWED.items()})


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}

# Circles that are known and are to go: (importing, imported) -> nothing may be added here.
OPEN_MODULES: set[tuple[str, str]] = set()
OPEN_PACKAGES: set[tuple[str, str]] = set()


def _order(graph: Mapping[str, Set[str]]) -> None:
    """Fail with the names along a circle of imports."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' <- '.join(error.args[1])}")


def _package(module: str) -> str:
    """Return the folder of a module, dotted; a module of the top folder stands for itself."""
    return ".".join(MODULES[module].relative_to(ROOT).parent.parts) or module


def _uses(module: str) -> set[str]:
    """Return the other modules of the package that a module imports."""
    found = set()
    for node in _nodes(MODULES[module]):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            # What is no module itself is a name in one.
            found |= {n if n.removeprefix("clipmill.") in MODULES else node.module for n in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return ({name.removeprefix("clipmill.") for name in found} & MODULES.keys()) - {module}


def test_modules_have_no_circle():
    _order(
        {
            module: {other for other in _uses(module) if (module, other) not in OPEN_MODULES}
            for module in MODULES
        }
    )


def test_packages_have_no_circle():
    """A package and its own sub-packages are one: schemas stand above, methods below."""
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        own = _package(module)
        for other in map(_package, _uses(module)):
            apart = not f"{own}.".startswith(f"{other}.") and not f"{other}.".startswith(f"{own}.")
            if apart and (own, other) not in OPEN_PACKAGES:
                graph.setdefault(own, set()).add(other)
    assert {"annotations.camera.structure", "sources.readers", "export.content"} <= graph.keys()
    _order(graph)


def _imported(path: Path) -> set[str]:
    """Return the libraries that a file imports anywhere in it, also inside of functions."""
    found = set()
    for node in _nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name.split(".")[0] for name in found}


# The demo spoils a file on purpose, packet by packet.
BESIDE_VIDEO = {"demo/broken.py"}


def test_only_the_video_package_touches_pyav():
    touching = {p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py") if "av" in _imported(p)}
    assert "video/access/source.py" in touching
    others = {name for name in touching if not name.startswith("video/")}
    assert others <= BESIDE_VIDEO, "only clipmill.video may import av"


def test_only_the_net_package_touches_the_client():
    """What is fetched goes through one session; a server of captions has its own library."""
    for path in ROOT.rglob("*.py"):
        clients = _imported(path) & {"httpx", "httpx2", "requests", "urllib3", "aiohttp"}
        inside = path.relative_to(ROOT).parts[0] == "net"
        assert inside or not clients, f"{path.relative_to(ROOT)} imports {clients}"


ROOMS = {
    "content": set(),
    "render": {"content"},
    "index_files": {"content"},
    "formats": {"content", "render", "index_files"},
    "containers": {"content", "formats"},
    "job": {"content", "formats", "index_files", "containers"},
}
"""What each room of `export` may import from the others."""


def test_the_rooms_of_an_export_know_only_those_below():
    rooms = {path.name for path in (ROOT / "export").iterdir() if (path / "__init__.py").is_file()}
    assert rooms == set(ROOMS)
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, below in ROOMS.items()
        for path in (ROOT / "export" / room).rglob("*.py")
        for name in _modules(path)
        if name.startswith("export.") and name.split(".")[1] not in below | {room}
    ]
    assert not wrong, "\n".join(sorted(wrong))


def test_the_pipeline_knows_no_kind_of_engine():
    used = {
        name
        for path in (ROOT / "pipeline").rglob("*.py")
        for name in _modules(path)
        if name.startswith("engine.")
    }
    assert {".".join(name.split(".")[:2]) for name in used} == {
        *("engine.base", "engine.rates", "engine.spec"),
    }


def test_steps_are_told_apart_in_one_place():
    """Whoever asks of which class a step is would have to be changed for a new kind of step."""
    kinds = {"AnnotateStep", "SelectStep", "SamplesStep", "ShotsSplit", "WindowsSplit"}
    asking = [
        str(path.relative_to(ROOT))
        for _, path in _files()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "isinstance"
        and kinds & {word.id for word in ast.walk(node.args[1]) if isinstance(word, ast.Name)}
    ]
    # The demo changes the rules of one selection.
    assert set(asking) <= {"cli/commands/demo.py"}


@pytest.mark.parametrize(
    "folder",
    ["pipeline", "pipeline/steps", "engine", "inspection", "cli", "cli/commands", "cli/output"],
)
def test_a_folder_can_be_read_at_a_glance(folder):
    assert len(list((ROOT / folder).glob("*.py"))) <= 15


def test_no_two_things_have_one_name():
    """Classes and public functions of modules; commands are named as they are called."""
    where: dict[str, list[str]] = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                where.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    shared = {
        name: places
        for name, places in where.items()
        if sum(not place.startswith("cli/commands/") for place in places) > 1
    }
    assert not shared, shared


def test_files_and_folders_stay_small():
    files = list(ROOT.rglob("*.py"))
    long = {p: n for p in files if (n := len(p.read_text("utf-8").splitlines())) > 400}
    beside = Counter(path.parent for path in files)
    assert not long and not {folder for folder, count in beside.items() if count > 15}


BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_benchmarks_stand_in_rooms_and_the_readme_names_them():
    scripts = {
        path.relative_to(BENCHMARKS.parent).as_posix(): path.read_text("utf-8")
        for path in BENCHMARKS.rglob("*.py")
    }
    beside = Counter(name.rpartition("/")[0] for name in scripts)
    assert len(beside) > 5 and max(beside.values()) <= 15
    text = (BENCHMARKS / "README.md").read_text("utf-8")
    named = set(re.findall(r"python (benchmarks/[\w/]+\.py)", text))
    assert named <= set(scripts), "a command that is not there"
    # What is started by hand says how, by the path it has.
    for name, script in scripts.items():
        for told in re.findall(r"python (benchmarks/[\w/]+\.py)", script):
            assert told in scripts, f"{name} names {told}"
