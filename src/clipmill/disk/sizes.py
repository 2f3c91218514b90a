"""Sizes for people."""


def size_text(size: int | None) -> str:
    """Return a size in bytes for people."""
    if size is None:
        return "unknown"
    unit, name = (1e9, "GB") if size >= 1e9 else (1e6, "MB")
    return f"{size / unit:,.1f} {name}"
