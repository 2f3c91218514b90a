"""The account of a run's sources, as it is shown."""

from rich.console import Console

from clipmill.sources.accounting.account import Account
from clipmill.sources.describe import describe_account


def show_account(account: Account, console: Console) -> None:
    """Print the account of the sources."""
    for line in describe_account(account):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
