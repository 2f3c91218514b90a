"""Imports respect the layers: data goes down the list in docs/architecture.md, never up."""

import ast
from pathlib import Path

import clipmill
from clipmill.annotations.registry import BACKENDS

ROOT = Path(clipmill.__file__).parent

# What each part of the package may import from the package, besides itself. `errors` and
# `clips` are the vocabulary and free for all.
ALLOWED = {
    "errors": set(),
    "clips": set(),
    "failures": set(),
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
    "samples": {"annotations", "store"},
    "engine": {"annotations", "store"},
    "pipeline": {
        "annotations", "config", "engine", "models", "samples", "selection", "sources", "store",
        "video", "weights",
    },
    "export": {
        "annotations", "canvas", "choice", "config", "disk", "manifest", "pipeline", "samples",
        "store", "video",
    },
    "inspection": {
        "annotations", "canvas", "config", "disk", "pipeline", "samples", "selection", "store",
        "video",
    },
    "results": {
        "annotations", "config", "inspection", "pipeline", "samples", "store", "video",
    },
    "report": {"annotations", "config", "disk", "inspection", "pipeline", "samples", "store"},
    "training": {"canvas", "manifest", "pipeline", "store", "video"},
    "demo": {"annotations", "store", "pipeline", "video"},
    "cli": {
        "annotations", "config", "demo", "disk", "download", "engine", "export", "models", "net",
        "pipeline", "report", "samples", "selection", "sources", "store", "video", "weights",
    },
    "__main__": {"cli"},
}  # fmt: skip
FREE = {"errors", "clips", "failures"}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
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
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
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


def test_methods_of_an_annotation_have_no_circle():
    uses: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for path in ANNOTATIONS.glob("*/*/*.py"):
        own = path.relative_to(ANNOTATIONS).parts[:2]
        others = {
            module[:2] for module in _insides(path) if (ANNOTATIONS / Path(*module[:2])).is_dir()
        }
        uses.setdefault(own, set()).update(others - {own})

    def reach(method: tuple[str, str], seen: tuple[tuple[str, str], ...] = ()) -> None:
        assert method not in seen, f"circle: {' -> '.join(m for _, m in (*seen, method))}"
        for other in uses.get(method, ()):
            reach(other, (*seen, method))

    for method in uses:
        reach(method)


def test_the_ground_knows_nothing_of_what_stands_on_it():
    for part, below in (("disk", set()), ("vision", set()), ("video", set()), ("store", {"disk"})):
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
    def reach(part: str, seen: tuple[str, ...] = ()) -> None:
        assert part not in seen, f"circle: {' -> '.join((*seen, part))}"
        for other in ALLOWED[part] - {part}:
            reach(other, (*seen, part))

    for part in ALLOWED:
        reach(part)


def test_only_the_video_package_decodes():
    decoders = {"av"}
    for part, path in _files():
        tree = ast.parse(path.read_text("utf-8"))
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        # The demo breaks files on purpose, packet by packet.
        if part != "video" and path != ROOT / "demo" / "broken.py":
            assert not names & decoders, path


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


def test_modules_of_export_manifest_and_training_have_no_circle():
    uses: dict[str, set[str]] = {}
    for part in ("export", "manifest", "training"):
        for path in (ROOT / part).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            uses[name] = _modules(path)
    done: set[str] = set()

    def reach(module: str, seen: tuple[str, ...] = ()) -> None:
        assert module not in seen, f"circle: {' -> '.join((*seen, module))}"
        if module not in done:
            for other in uses[module] & set(uses):
                reach(other, (*seen, module))
            done.add(module)

    for module in uses:
        reach(module)
