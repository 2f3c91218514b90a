"""Columns in which null says that there was nothing to measure, and not that something failed.

A camera that only turns shows nothing of how it travels: its clip is as good as any, and rules
over the travel have nothing to say about it. A score that was never asked for is another thing:
a rule that names it would silently judge nothing.
"""

import dataclasses

UNMEASURED = {"null": "unmeasured"}
"""Metadata of such a field of a row: `translation: float | None = field(metadata=UNMEASURED)`."""


def unmeasured_fields(row: type) -> frozenset[str]:
    """Return the fields of a row (a dataclass) in which null means that it was not measured."""
    return frozenset(
        field.name
        for field in dataclasses.fields(row)
        if field.metadata.get("null") == UNMEASURED["null"]
    )
