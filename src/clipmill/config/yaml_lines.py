"""YAML with positions: safe values, and the line of any place in them."""

from typing import Any

import yaml

from clipmill.errors import UsageError


def parse_yaml(text: str, *, name: str) -> tuple[Any, yaml.Node]:
    """Parse a YAML document safely.

    Args:
        text: The document.
        name: File name for error messages.

    Returns:
        Its value and its node tree, which knows lines.

    Raises:
        UsageError: Bad syntax, an empty document, or a key given twice in one mapping.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or str(error)
        raise UsageError(f"{where}: not valid YAML: {problem}") from error
    if node is None:
        raise UsageError(f"{name}: the file is empty")
    _refuse_duplicate_keys(node, name)
    return value, node


def _refuse_duplicate_keys(node: yaml.Node, name: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, child in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
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
        if isinstance(node, yaml.MappingNode):
            for key, child in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, child
                    break
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
