"""How fast stages went, as a table."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from clipmill.cli.output.console import name
from clipmill.cli.output.tables import show_table
from clipmill.engine.rates import StageRates

_COLUMNS = ("clips", "workers", "clips/h", "busy", "waiting", "to load", "memory", "GPU memory")


def show_rates(rates: Mapping[str, StageRates], console: Console) -> None:
    """Show clips per hour, what the model waited for, and peak memory.

    Args:
        rates: By title; nothing is shown where there are none.
        console: Where it goes.
    """
    if not rates:
        return
    table = Table(title="rates", title_justify="left")
    table.add_column("step")
    with_gpu = any(one.peak_gpu for one in rates.values())
    for column in _COLUMNS if with_gpu else _COLUMNS[:-1]:
        table.add_column(column, justify="right")
    for title, one in rates.items():
        cells = [
            str(one.clips),
            str(one.workers),
            f"{one.per_hour:,.0f}",
            f"{one.busy:.0%}",
            f"{one.waiting:.0%}",
            f"{one.setup:.1f} s",
            _memory(one.peak_rss),
        ]
        table.add_row(name(title), *cells, *([_memory(one.peak_gpu)] if with_gpu else []))
    show_table(console, table)


def _memory(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB" if count else ""
