"""Imports respect the layers: data goes down the list in docs/architecture.md, never up."""

import ast
from pathlib import Path

import clipmill

ROOT = Path(clipmill.__file__).parent

# What each part of the package may import from the package, besides itself. `errors` and
# `clips` are the vocabulary and free for all.
ALLOWED = {
    "errors": set(),
    "clips": set(),
    "choice": set(),
    "canvas": set(),
    "video": set(),
    "vision": set(),
    "store": set(),
    "models": set(),
    "weights": set(),
    "download": {"choice", "weights"},
    "annotations": {"video", "store", "annotations", "models", "vision", "weights"},
    "selection": {"store"},
    "config": {"selection"},
    "sources": {"config"},
    "samples": {"annotations", "store"},
    "engine": {"annotations", "store"},
    "pipeline": {
        "annotations", "config", "engine", "models", "samples", "selection", "sources", "store",
        "weights",
    },
    "export": {
        "annotations", "canvas", "choice", "config", "pipeline", "samples", "store", "video",
    },
    "report": {
        "annotations", "config", "pipeline", "samples", "selection", "store", "video",
    },
    "training": {"canvas", "pipeline", "store", "video"},
    "demo": {"annotations", "store", "pipeline", "video"},
    "cli": {
        "annotations", "config", "demo", "download", "engine", "export", "models", "pipeline",
        "report", "samples", "selection", "sources", "store", "video", "weights",
    },
}  # fmt: skip
FREE = {"errors", "clips"}


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
        # The demo and the report write videos; reading is for `video` alone.
        if part not in {"video", "demo", "report"}:
            assert not names & decoders, path
