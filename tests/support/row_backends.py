"""What backends of tests share that make up their rows."""

from collections.abc import Sequence
from typing import Any

from clipmill.annotations.base import Backend, ClipInput


class RowBackend(Backend):
    """Loads nothing, and makes the row of one clip after the other."""

    def load(self, item: ClipInput) -> Any:
        return item

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [self.row(item) for item in batch]

    def row(self, item: ClipInput) -> Any:
        raise NotImplementedError
