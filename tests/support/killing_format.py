"""A format whose worker dies at one sample, as with a fault in a codec."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from clipmill.export.content.pieces import Piece
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.canonical import Canonical


class Killing(Canonical):
    """Kills its process at samples whose caption ends in `!`."""

    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        if sample.row.caption.endswith("!"):
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super().pieces(sample, scratch)
