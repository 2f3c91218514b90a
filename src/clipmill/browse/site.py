"""What every page of the app knows: the workspace, its last run, and what may be done."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from clipmill.annotations.probe.schema import ProbeRow
from clipmill.browse.catalogue import Catalogue
from clipmill.browse.pictures.pool import PicturePool
from clipmill.clips import Video
from clipmill.inspection.scores import Score, selection_scores
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import look_past_damage, require_last_run
from clipmill.pipeline.recorded.look import reports_of
from clipmill.pipeline.recorded.remembered import INDEX
from clipmill.pipeline.verdicts import StepReport
from clipmill.store.workspace import Workspace


@dataclass(frozen=True, eq=False)
class OpenRun:
    """The last run of a workspace, as it was when it was opened; later runs make another.

    Attributes:
        context: Workspace and pipeline.
        listing: Its videos.
        reports: Outcomes of all steps.
    """

    context: Context
    listing: VideoList
    reports: Sequence[StepReport]

    @classmethod
    def open(cls, uri: str) -> "OpenRun":
        """Open the last run of a workspace; see `require_last_run` for what it raises."""
        context, listing = require_last_run(uri)
        reports = look_past_damage(context.workspace, lambda: reports_of(context, listing))
        return cls(context, listing, reports)

    def probe_of(self, video: Video) -> ProbeRow | None:
        """Return the facts of a video's file; None where it was not read."""
        stage = self.context.stages.get(PROBE)
        return stage.table.read([video.file_id]).get(video.file_id) if stage else None

    @cached_property
    def scores(self) -> Sequence[Score]:
        """Scores of every selection, in pipeline order."""
        return selection_scores(self.context, self.listing, self.reports)

    @cached_property
    def catalogue(self) -> Catalogue:
        """All clips of the run; see `Site.catalogue`."""
        return Catalogue(self.context, self.listing, self.reports)


@dataclass(eq=False)
class Site:
    """One server over one workspace. Pages are made in threads: what they share is locked.

    Attributes:
        uri: Folder or URL of the workspace.
        port: Where it listens.
        token: Whoever knows it may look, and judge unless it is read-only.
        read_only: Whether nothing may be written.
        judge: Name under which judgements are written.
        pictures: Decodes videos, away from this process.
    """

    uri: str
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    read_only: bool = False
    judge: str = ""
    pictures: PicturePool = field(default_factory=PicturePool, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _run: OpenRun | None = field(default=None, repr=False)
    _stamp: object = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Address to open, with the token."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    @property
    def run(self) -> OpenRun:
        """The last run. It is opened again when another one has ended since."""
        with self._lock:
            stamp = Workspace.open(self.uri, look=True).stamp(INDEX)
            if self._run is None or stamp != self._stamp:
                self._run, self._stamp = OpenRun.open(self.uri), stamp
            return self._run

    @property
    def catalogue(self) -> Catalogue:
        """All clips of the last run; made once, whoever asks first."""
        run = self.run
        with self._lock:
            return run.catalogue
