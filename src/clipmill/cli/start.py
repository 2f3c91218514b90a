"""What makes commands that only look start sooner."""

import sys


class _Hidden:
    """Finds no pandas."""

    def find_spec(self, name: str, *_: object) -> None:
        """See `importlib.abc.MetaPathFinder.find_spec`."""
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


def spare_pandas() -> None:
    """Keep pyarrow from importing pandas, which it does before it makes its first array.

    It only wants to know whether it is given anything of pandas, and for that every `status` would
    take a quarter of a second more. `Table.to_pandas` still works.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)  # type: ignore[arg-type]
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(hidden)  # type: ignore[arg-type]
