"""Exports into shards and kills itself: `python killed_webdataset.py WORKSPACE OUT MOMENT`."""

import os
import signal
import sys
from fractions import Fraction
from pathlib import Path

from clipmill.export.containers.webdataset import WebDatasetContainer
from clipmill.export.content.pieces import Made
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.sample_filter import SampleFilter
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.manifest.entries import SampleEntry
from clipmill.store.workspace import Workspace

SMALL = FrameProfile(long_side=160, fps=Fraction(8))
SHARD_BYTES = 100_000
MOMENTS = ("half a shard", "shard not in the journal", "first shard in the journal")


def plan(shard_bytes: int = SHARD_BYTES, *, workers: int = 1, **choice) -> ExportPlan:
    return ExportPlan(
        Canonical(FormatOptions()),
        WebDatasetContainer,
        profile=SMALL,
        choice=SampleFilter(**choice),
        workers=workers,
        shard_bytes=shard_bytes,
    )


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(WebDatasetContainer):
    """Kills its process at a moment."""

    moment = ""
    recorded = False

    def add(self, made: Made) -> list[SampleEntry]:
        entries = super().add(made)
        half = self.folder.unfinished / f"{self.format.name}-000000.tar"
        if self.moment == MOMENTS[0] and half.is_file() and half.stat().st_size > 20_000:
            _die()
        if self.moment == MOMENTS[1] and any(entry.pieces for entry in entries):
            _die()
        if self.moment == MOMENTS[2] and self.recorded:
            _die()
        self.recorded = self.recorded or any(entry.pieces for entry in entries)
        return entries


def main(workspace: str, out: str, moment: str) -> None:
    Dying.moment = moment
    made = plan()
    run_export(
        Workspace.open(workspace),
        Path(out),
        ExportPlan(made.format_, Dying, profile=made.profile, shard_bytes=made.shard_bytes),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
