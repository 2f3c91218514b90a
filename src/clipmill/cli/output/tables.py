"""Tables: drawn on a terminal, plain lines anywhere else.

Whoever pipes a table into another program gets whole ids and one line a row, and no box.
"""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = "  "
EMPTY = "-"
"""An empty cell, so that every line has as many columns."""


def show_table(console: Console, table: Table) -> None:
    """Print a table, as the console's file can show it."""
    if is_live(console):
        console.print(table)
        return
    for line in plain_lines(console, table):
        console.print(Text(line), soft_wrap=True)


def is_live(console: Console) -> bool:
    """Tell whether it is a terminal: colours may be forced in a pipe as well, bars may not."""
    return console.is_terminal and console.file.isatty()


def plain_lines(console: Console, table: Table) -> Iterator[str]:
    """Yield a table as lines: title, names of the columns, rows; nothing is cut or wrapped.

    Args:
        console: Its markup.
        table: With cells of text.
    """
    if table.title:
        yield _plain(console, table.title)
    columns = [[column.header, *column.cells] for column in table.columns]
    texts = [[_plain(console, cell) for cell in column] for column in columns]
    widths = [max(map(len, column)) for column in texts]
    right = [column.justify == "right" for column in table.columns]
    for row in zip(*texts, strict=True):
        cells = [
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(row, widths, right, strict=True)
        ]
        yield GAP.join(cells).rstrip()


def _plain(console: Console, cell: object) -> str:
    """Return a cell as one line without markup."""
    text = console.render_str(cell, emoji=False).plain if isinstance(cell, str) else str(cell)
    return "; ".join(text.split("\n")) or EMPTY
