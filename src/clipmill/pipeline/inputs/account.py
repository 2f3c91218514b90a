"""The account of a run's sources, kept in the workspace so that looking lists nothing again."""

from typing import TYPE_CHECKING

from pydantic import ValidationError

from clipmill.errors import UsageError
from clipmill.sources.accounting.account import Account
from clipmill.sources.describe import describe_empty
from clipmill.store.workspace import Workspace

if TYPE_CHECKING:
    from clipmill.sources.listing import Listing

PATH = "sources.json"


def refuse_empty(listing: "Listing") -> None:
    """See that every source gave a video, before anything of an earlier run is replaced.

    Raises:
        UsageError: One did not; the message has what was found instead.
    """
    problem = describe_empty(listing.account)
    if problem:
        raise UsageError(problem)


def save_account(account: Account, workspace: Workspace) -> None:
    """Write the account into the workspace."""
    workspace.write_text(PATH, account.model_dump_json(indent=1) + "\n")


def load_account(workspace: Workspace) -> Account | None:
    """Read the account of the last run; None where an older clipmill wrote none.

    Raises:
        UsageError: The file is damaged.
    """
    text = workspace.read_text(PATH)
    if text is None:
        return None
    try:
        return Account.model_validate_json(text)
    except ValidationError as error:
        raise UsageError(
            f"{workspace.root}/{PATH} is damaged; delete it, the next run writes it again"
        ) from error
