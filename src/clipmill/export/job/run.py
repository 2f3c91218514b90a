"""Runs an export from the choice of samples to the manifest; goes on where a killed one stopped."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from clipmill.disk import HeldError, hold
from clipmill.errors import UsageError
from clipmill.export.containers.base import Container
from clipmill.export.content.facts.run_facts import RunFacts, gather_run_facts
from clipmill.export.content.reviews import REVIEW_KEY, dropped_notices
from clipmill.export.content.sample_filter import ChosenSamples, choose_samples
from clipmill.export.index_files.forecast import forecast_indices
from clipmill.export.index_files.row_counts import IndexCount, count_indices
from clipmill.export.job.about import about_export
from clipmill.export.job.gather import Gatherer
from clipmill.export.job.plan import ExportPlan, ExportReport
from clipmill.export.job.pool import Makers
from clipmill.export.job.shards import kept_shards
from clipmill.export.job.worker import Task
from clipmill.manifest.entries import SampleEntry
from clipmill.manifest.folder import ExportFolder
from clipmill.manifest.journal import MANIFEST, ExportJournal
from clipmill.store.workspace import Workspace

OnProgress = Callable[[int, int], None]
OnNotice = Callable[[str], None]


def run_export(
    workspace: Workspace,
    out: Path,
    plan: ExportPlan,
    *,
    on_progress: OnProgress | None = None,
    on_notice: OnNotice | None = None,
) -> ExportReport:
    """Export samples; files that an equal export made before are left as they are.

    Args:
        workspace: Where the samples are.
        out: New or empty folder, or one of an earlier export of the same kind, which is brought
            up to date.
        plan: What and how.
        on_progress: Called with the number of samples done and their total.
        on_notice: Called before anything is written with each index that will stay empty, and
            why; and where people dropped clips since the run.

    Raises:
        UsageError: There are no samples, none meets the choice or has the frames of the profile,
            the choice cannot be read, or `out` holds something else or is being written. Nothing
            in `out` was changed.
    """
    facts = gather_run_facts(workspace)
    chosen = choose_samples(workspace, plan.choice, facts)
    chosen.refuse_nothing(plan.choice)
    notices = forecast_indices(
        workspace,
        plan.choice.samples,
        chosen.taken,
        profile=plan.profile,
        consumers=plan.format_.consumers() if plan.container.has_indices else (),
    )
    for notice in (*dropped_notices(facts, chosen.taken), *notices):
        (on_notice or _unheard)(notice)
    folder = ExportFolder(
        out, kind=plan.kind, owned=plan.container.owned(type(plan.format_)), data=()
    )
    try:
        with hold(folder.root / ".clipmill-export.lock"):
            run = _Run(workspace, folder, plan, facts=facts, chosen=chosen)
            return run.run(on_progress or _no_progress)
    except HeldError:
        raise UsageError(f"{folder.root} is being written by another export") from None


def _no_progress(done: int, total: int) -> None:
    """Nothing is told without `on_progress`."""


def _unheard(notice: str) -> None:
    """Without `on_notice` the counts of the report tell the same."""


class _Run:
    """One export, under its lock."""

    def __init__(
        self,
        workspace: Workspace,
        folder: ExportFolder,
        plan: ExportPlan,
        *,
        facts: RunFacts,
        chosen: ChosenSamples,
    ) -> None:
        self.workspace, self.folder, self.plan, self.facts = workspace, folder, plan, facts
        self.chosen, self.wanted = chosen, chosen.taken
        self.journal = ExportJournal(folder.unfinished / "journal.jsonl", folder.root / MANIFEST)
        self.reused = 0

    def run(self, on_progress: OnProgress) -> ExportReport:
        """Make what is missing, then write indices and manifest."""
        with closing(self.journal):
            scratch = self.folder.unfinished / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            reusable = self._reusable(scratch)
            self._make(scratch, reusable, on_progress)
            return self._finish()

    def _tasks(self, scratch: Path, wanted: Sequence[str]) -> Iterator[Task]:
        gatherer = Gatherer(self.workspace, self.facts, settings=self.plan.settings)
        return gatherer.tasks(self.plan.choice.samples, wanted, scratch=scratch)

    def _reusable(self, scratch: Path) -> frozenset[str]:
        """Return the samples whose files are there already and still right."""
        container = self._container()
        found: list[str] = []
        known = any(sample in self.journal for sample in self.wanted)
        for task in self._tasks(scratch, self.wanted) if known else ():
            sample = task.row.sample_id
            good = self.journal.token(sample) == task.token
            if good:
                entry = self.journal.get(sample)
                good = entry.is_final and container.is_there(entry)
            if good:
                found.append(sample)
            elif container.whole_shards:
                break
        if not container.whole_shards:
            return frozenset(found)
        complete = len(found) == len(self.wanted)
        kept = kept_shards(self.journal, found, container, complete=complete)
        # Shards are written again under the same names: what is known of the old ones goes.
        self.journal.keep(kept)
        return kept

    def _container(self) -> Container:
        return self.plan.container(
            self.folder, self.plan.format_, shard_bytes=self.plan.shard_bytes
        )

    def _make(self, scratch: Path, reusable: frozenset[str], on_progress: OnProgress) -> None:
        makers = Makers(self.plan.format_, self.plan.profile, self.plan.workers)
        total = len(self.wanted)
        self._leave_out()
        with closing(self._container()) as container:
            for sample in self.wanted:
                if sample in reusable:
                    container.keep(self.journal.get(sample))
            self.reused = done = len(reusable)
            on_progress(done, total)
            missing = [sample for sample in self.wanted if sample not in reusable]
            for made in makers.run(self._tasks(scratch, missing)):
                self.journal.add(container.add(made))
                shutil.rmtree(made.scratch, ignore_errors=True)
                done += 1
                on_progress(done, total)
            self.journal.add(container.flush())

    def _leave_out(self) -> None:
        """Note the samples that are left out before anything is made of them."""
        kinds = (("left_out", self.chosen.left_out), ("changed", self.chosen.outdated))
        self.journal.add(
            [
                SampleEntry(sample, "", left_out=reason, kind=kind)
                for kind, reasons in kinds
                for sample, reason in reasons.items()
                if sample not in self.journal or self.journal.get(sample).left_out != reason
            ]
        )

    def _entries(self) -> Iterator[SampleEntry]:
        return self.journal.read(self.chosen.ids)

    def _finish(self) -> ExportReport:
        """Write indices and manifest, then remove what earlier exports left."""
        report = self._report()
        with self.folder.create(MANIFEST) as manifest:
            for entry in self._entries():
                manifest.write(entry.to_line().encode())
        about = about_export(self.plan, self.facts, report)
        self._container().write_indices(self._entries, about)
        kept = {
            file.shard or file.path
            for entry in self._entries()
            for piece in entry.pieces
            for file in piece.files
        }
        self.folder.finish(
            {
                "pipeline": self.facts.pipeline,
                "settings": self.plan.settings,
                "choice": {
                    "samples": self.plan.choice.samples,
                    "where": self.plan.choice.where,
                    "captions": self.plan.choice.captions,
                },
                "samples": report.samples,
                "pieces": report.pieces,
                "captions": report.captions,
                "indices": {name: asdict(count) for name, count in report.indices.items()},
                "left_out": report.left_out,
                "manifest": MANIFEST,
            },
            adopted=kept,
        )
        return report

    def _report(self) -> ExportReport:
        samples = pieces = size = failed = reviewed = 0
        reasons: Counter[str] = Counter()
        captions: Counter[str] = Counter()
        copied: Counter[str] = Counter()
        for entry in self._entries():
            if entry.left_out:
                reasons[entry.left_out] += 1
                failed += not entry.is_final
                continue
            samples += 1
            pieces += len(entry.pieces)
            captions[entry.pieces[0].row.get("caption_origin", "unknown")] += 1
            reviewed += REVIEW_KEY in entry.pieces[0].row
            size += entry.num_bytes
            files = (file for piece in entry.pieces for file in piece.files)
            copied.update(file.colours for file in files if file.colours)
        return ExportReport(
            out=self.folder.root,
            kind=self.plan.kind,
            samples=samples,
            pieces=pieces,
            num_bytes=size,
            reused=self.reused,
            captions=dict(sorted(captions.items())),
            indices=self._indices(),
            left_out=dict(reasons),
            failed=failed,
            reviewed=reviewed,
            copied=dict(sorted(copied.items())),
        )

    def _indices(self) -> dict[str, IndexCount]:
        if not self.plan.container.has_indices:
            return {}
        return count_indices(
            lambda: (piece.row for entry in self._entries() for piece in entry.pieces),
            self.plan.format_.rules(),
        )
