"""YAML with positions: safe values, and the line of any place in them."""

from collections.abc import Iterator
from typing import Any

import yaml

from clipmill.config.yaml_bounds import check_bounds
from clipmill.errors import UsageError


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, whose own slips (`2024-13-45`) become errors with a line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)  # type: ignore[no-untyped-call]
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            what = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"'{str(node.value)[:40]}' is no {what}", node.start_mark
            ) from error


def parse_yaml(text: str, *, name: str) -> tuple[Any, yaml.Node]:
    """Parse a YAML document safely.

    Args:
        text: The document.
        name: File name for error messages.

    Returns:
        Its value and its node tree, which knows lines.

    Raises:
        UsageError: Bad syntax, an empty document, a key given twice in one mapping, or a document
            beyond the bounds of `yaml_bounds`.
    """
    try:
        check_bounds(text, name=name)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()  # type: ignore[no-untyped-call]
            if node is not None:
                _refuse_duplicate_keys(node, name)
                value = loader.construct_document(node)  # type: ignore[no-untyped-call]
        finally:
            loader.dispose()  # type: ignore[no-untyped-call]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or str(error)
        raise UsageError(f"{where}: not valid YAML: {problem}") from error
    if node is None:
        raise UsageError(f"{name}: the file is empty")
    return value, node


def _refuse_duplicate_keys(node: yaml.Node, name: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise UsageError(f"{name}:{line}: a name cannot be a list or a mapping")
            if key.value in seen:
                raise UsageError(f"{name}:{line}: '{key.value}' is given twice")
            seen.add(key.value)
            _refuse_duplicate_keys(child, name)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_duplicate_keys(child, name)


def line_of(node: yaml.Node, path: tuple[str | int, ...]) -> int:
    """Return the 1-based line of the deepest existing place along `path`."""
    line = node.start_mark.line + 1
    for part in path:
        found = next((item for item in _children(node) if item[0] == str(part)), None)
        if found is None:
            break
        _, line, node = found
    return line


def lines_in(node: yaml.Node) -> dict[tuple[str | int, ...], int]:
    """Return the 1-based line of every mapping key and list item, by its path."""
    found: dict[tuple[str | int, ...], int] = {}
    waiting: list[tuple[tuple[str | int, ...], yaml.Node]] = [((), node)]
    while waiting:
        path, node = waiting.pop()
        is_list = isinstance(node, yaml.SequenceNode)
        for name, line, child in _children(node):
            place = (*path, int(name) if is_list else name)
            found[place] = line
            waiting.append((place, child))
    return found


def _children(node: yaml.Node) -> Iterator[tuple[str, int, yaml.Node]]:
    """Yield name or number, line and node of what a mapping or a list holds."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, key.start_mark.line + 1, child) for key, child in node.value)
    elif isinstance(node, yaml.SequenceNode):
        for number, child in enumerate(node.value):
            yield str(number), child.start_mark.line + 1, child
