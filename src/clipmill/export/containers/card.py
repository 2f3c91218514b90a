"""The card of a Hugging Face data set: README.md with a YAML head."""

import re
from collections.abc import Iterable, Iterator, Sequence

import yaml

from clipmill.export.containers.base import About
from clipmill.export.containers.columns import TableColumns
from clipmill.export.content.caption_origins import caption_section

_LOADING = """\
```python
from datasets import Video, load_dataset
rows = load_dataset("path/of/this/folder", split="train")  # or its name on the hub
files = rows.cast_column("video", Video(decode=False))
print(rows.features["video"], files[0]["video"]["path"])
# rows[0]["video"] decodes: it needs the package torchcodec
```
"""
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_LONGEST = 500


def make_card(
    about: About, columns: TableColumns, *, format_name: str, data_files: Sequence[str]
) -> str:
    """Return the card.

    Args:
        about: What the export is.
        columns: Those of the table.
        format_name: Name of the format.
        data_files: Patterns of the metadata file and of the videos.
    """
    return _head(about, format_name, data_files) + "\n".join(
        _body(about, columns, format_name=format_name)
    )


def escaped(text: object) -> str:
    """Return text that Markdown shows as it is: on one line, its special characters escaped."""
    line = _BREAKS.sub(" ", str(text)).strip()
    if len(line) > _LONGEST:
        line = line[:_LONGEST] + "..."
    return _SPECIAL.sub(r"\\\1", line)


def size_category(count: int) -> str:
    """Return the hub's word for a number of rows."""
    return next((name for limit, name in _SIZES if count < limit), "1B<n<10B")


def _head(about: About, format_name: str, data_files: Sequence[str]) -> str:
    head = {
        "pretty_name": _BREAKS.sub(" ", about.title).strip(),
        "license": "other",
        "license_name": "see-licences-below",
        "task_categories": ["image-to-video"],
        "tags": ["video", "motion-control", "clipmill", f"format-{format_name}"],
        "size_categories": [size_category(about.num_pieces)],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "train", "path": list(data_files)}],
            }
        ],
    }
    text: str = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1 << 16)
    return f"---\n{text}---\n"


def _body(about: About, columns: TableColumns, *, format_name: str) -> Iterator[str]:
    yield f"# {escaped(about.title)}\n"
    yield (
        f"{about.num_samples} samples, {about.num_pieces} pieces; format `{format_name}`, written "
        "by clipmill. A row of the table is a piece; the files lie beside it.\n"
    )
    yield f"## Loading\n{_LOADING}"
    yield "## Columns"
    yield (
        "Paths are relative to this folder; `files` are all files of the piece. The library shows "
        "`file_name` as the column `video`.\n"
    )
    yield from _table(("column", "type"), _columns(columns))
    yield "## How samples were chosen"
    if about.funnel:
        yield from _table(("step", "entering", "leaving"), about.funnel)
    if about.left_out:
        yield "Left out of the export:\n"
        yield from (f"- {count} x {escaped(why)}" for why, count in sorted(about.left_out.items()))
        yield ""
    yield from (f"- {escaped(name)}: {escaped(value)}" for name, value in about.settings.items())
    yield ""
    yield caption_section(about.captions)
    yield "## Models"
    yield from _table(("annotation", "identity"), about.models.items())
    yield "## Licences"
    yield "The videos keep their own licences. The annotations were made with:\n"
    yield from (f"- {escaped(name)}: {escaped(text)}" for name, text in about.licences.items())
    if about.non_commercial:
        yield "\n**Not for commercial use**, because of the weights behind the annotations:\n"
        yield from (f"- {escaped(note)}" for note in about.non_commercial)
    yield "\n## Conventions"
    # One level deeper: the sections of this card are not those of the conventions.
    yield re.sub(r"(?m)^(#+ )", r"#\1", about.meaning)


def _columns(columns: TableColumns) -> Iterator[tuple[str, str]]:
    for field in columns.schema:
        yield field.name, "JSON as text" if field.name in columns.as_json else str(field.type)


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "| " + " | ".join("---" for _ in head) + " |"
    for row in rows:
        yield "| " + " | ".join(escaped(cell) for cell in row) + " |"
    yield ""
