"""The account of a run's sources: what was found, what is used, what is not and why."""

from pydantic import BaseModel, ConfigDict

MAX_EXAMPLES = 5
"""Names given for each thing that is counted."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Counted(_Frozen):
    """Things of one kind, with a few of their names.

    Attributes:
        what: What they are: a suffix, a reason.
        count: How many there are.
        reason: Why they are not used, or what was done with them.
        examples: The first of them, at most `MAX_EXAMPLES`.
    """

    what: str
    count: int
    reason: str = ""
    examples: tuple[str, ...] = ()


class TableUse(_Frozen):
    """A table that was read.

    Attributes:
        path: Absolute path or URL.
        columns: What was read of it, for people: `video, caption, start, end`.
        rows: Rows in it.
        refused: Rows of which nothing is used.
        examples: The first refused rows, as `line 3: why`.
    """

    path: str
    columns: str
    rows: int
    refused: int
    examples: tuple[str, ...] = ()


class SourceAccount(_Frozen):
    """What one source gave.

    Attributes:
        name: Name of the source; empty for a single unnamed one.
        path: As configured.
        kind: What it was taken for.
        videos: Videos of the run.
        repeated: Entries that name a file again.
        failed: Entries that cannot be videos of the run, refused rows among them.
        failures: The first of these, as `path: why`.
        parts: Parts of videos that rows with times ask for.
        captions: Videos and parts with a caption, by where it came from.
        without_caption: Videos and parts that have none.
        tables: Tables that were read.
        unread_texts: Captions that are there and cannot be used, by reason.
        unused: Files and tables that are not used.
        notes: What was done to captions.
    """

    name: str
    path: str
    kind: str
    videos: int
    repeated: int
    failed: int
    failures: tuple[str, ...]
    parts: int
    captions: tuple[Counted, ...]
    without_caption: int
    tables: tuple[TableUse, ...]
    unread_texts: tuple[Counted, ...]
    unused: tuple[Counted, ...]
    notes: tuple[Counted, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the source gave nothing at all, not even files that another source has too."""
        return not (self.videos or self.parts or self.repeated)


class Account(_Frozen):
    """The accounts of all sources of a run, in their order."""

    sources: tuple[SourceAccount, ...] = ()
