"""The last run of a workspace, each part of it read when it is asked for."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import (
    last_listing,
    last_names,
    look_past_damage,
    require_last_run,
)
from clipmill.pipeline.recorded.remembered import names_of, recall, sample_ids_of
from clipmill.pipeline.steps.samples import read_sample_ids
from clipmill.pipeline.verdicts import StepReport
from clipmill.pipeline.walk import walk
from clipmill.store.workspace import Workspace


class LastRun:
    """What a workspace says of its last run.

    Where the outcomes of the steps are remembered, neither are they evaluated nor is more read than
    is asked for.

    Args:
        uri: Folder or URL of the workspace.

    Raises:
        UsageError: There is no workspace, or nothing was run in it.
        CorruptFileError: A file that says what the run was is damaged, and so is its copy.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._workspace = Workspace.open(uri, look=True)
        self._remembered = recall(self._workspace)
        if self._remembered is None:
            self.__dict__["_run"] = require_last_run(uri)

    @property
    def workspace(self) -> Workspace:
        """Where it is; damaged files that were met are noted in it."""
        return self._workspace if self._remembered is not None else self.context.workspace

    @cached_property
    def _run(self) -> tuple[Context, VideoList]:
        return require_last_run(self._uri)

    @property
    def context(self) -> Context:
        """Workspace and pipeline."""
        return self._run[0]

    @cached_property
    def listing(self) -> VideoList:
        """Videos, named by their content."""
        # At the end of a run they are saved under these names.
        saved = last_listing(self._workspace) if self._remembered is not None else None
        return saved or self._run[1]

    @cached_property
    def reports(self) -> Sequence[StepReport]:
        """Outcomes of all steps."""
        if self._remembered is not None:
            return self._remembered
        context, listing = self._run
        return look_past_damage(context.workspace, lambda: list(walk(context, listing)))

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """Fingerprints of the annotations, by title."""
        if self._remembered is not None:
            return {r.title: r.fingerprint for r in self._remembered if r.kind == "annotate"}
        return {s.step.title: s.fingerprint for s in self.context.stages.values()}

    def names(self) -> pa.Table:
        """Return the names of all videos, see `VideoList.names`; no more of them is read."""
        listed = last_names(self._workspace) if self._remembered is not None else None
        return self.listing.names() if listed is None else listed

    def names_of(self, video_id: str) -> pa.Table:
        """Return the entries of an id; see `VideoList.names`."""
        if self._remembered is not None:
            return names_of(self._workspace, video_id)
        names = self.listing.names()
        return names.filter(pc.equal(names["video_id"], video_id))

    def sample_ids(self, video_id: str) -> list[str]:
        """Return the ids of the samples of a video."""
        if self._remembered is not None:
            return sample_ids_of(self._workspace, video_id)
        context = self.context
        every = look_past_damage(context.workspace, lambda: read_sample_ids(context))
        return [sample_id for sample_id in every if sample_id.startswith(video_id)]


def reports_of(context: Context, listing: VideoList) -> list[StepReport]:
    """Return the outcomes of the steps of a run that is looked at, remembered or evaluated.

    Args:
        context: Of `last_run`.
        listing: Likewise.
    """
    return recall(context.workspace) or list(walk(context, listing))
