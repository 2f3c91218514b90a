"""Answers one question of the page: what a change of rules gains and loses."""

import json
import shlex
from collections.abc import Sequence
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.browse.site import OpenRun, Site
from clipmill.browse.whatif.shapes import changed_fields, selection_shape
from clipmill.config import Pipeline, SelectStep, dump_pipeline
from clipmill.config.load import dump_step
from clipmill.config.overrides import with_settings
from clipmill.errors import UsageError
from clipmill.store.workspace import Workspace
from clipmill.whatif import Difference, Evaluation, World, compare
from clipmill.whatif.compare import GAINED, GAINED_UNMEASURED, KEPT_UNMEASURED, LOST

STRIP = 60
"""Clips of a strip at most."""

MAX_SETTINGS = 200


class WhatIf:
    """Questions about the last run of a workspace; what they read stays for the next.

    Args:
        site: The server.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = Lock()
        self._of: tuple[OpenRun, World] | None = None

    @property
    def world(self) -> World:
        """The last run, to be asked."""
        run = self._site.run
        with self._lock:
            if self._of is None or self._of[0] is not run:
                self._of = run, World(run.context, run.listing)
            return self._of[1]

    def changed(self, settings: Sequence[str]) -> Pipeline:
        """Return the pipeline of the last run with other rules.

        Raises:
            UsageError: They do not fit, or change more than rules.
        """
        if len(settings) > MAX_SETTINGS:
            raise UsageError(f"{len(settings)} changes; at most {MAX_SETTINGS} can be asked about")
        before = self.world.pipeline
        after = with_settings(before, settings)
        for old, new in zip(before.steps, after.steps, strict=True):
            if old != new and (old.word != SelectStep.word or old.title != new.title):
                raise UsageError(f"only rules of selections can be changed here, not {old.title}")
        return after

    def answer(self, settings: Sequence[str]) -> dict[str, Any]:
        """Return what changes, and all that the page draws; raises as `changed` does."""
        world, pipeline = self.world, self.changed(settings)
        now = world.now()
        asked = world.ask(pipeline) if pipeline != world.pipeline else now
        difference = compare(now, asked)
        fields = _changes(world.pipeline, pipeline)
        return {
            "was": len(now.kept),
            **_counts(difference),
            "exact": difference.exact,
            "selections": _selections(pipeline, asked),
            "strips": {
                GAINED: _strip(difference, GAINED, GAINED_UNMEASURED),
                LOST: _strip(difference, LOST),
            },
            "reasons": [
                [change, step, reason, count]
                for level, change, step, reason, count in difference.reasons()
                if level == "clip"
            ][:STRIP],
            "settings": [f"{name}={value}" for name, value in fields],
            "options": " ".join(f"--set {shlex.quote(f'{n}={value}')}" for n, value in fields),
            "yaml": _yaml(world.pipeline, pipeline),
        }

    def save(self, settings: Sequence[str]) -> dict[str, str]:
        """Write the changed pipeline beside that of the last run; return its path and a command."""
        pipeline = self.changed(settings)
        workspace = Workspace.open(self._site.uri)
        with self._lock:
            number = 1
            while workspace.read_text(f"whatif-{number}.yaml") is not None:
                number += 1
            name = f"whatif-{number}.yaml"
            workspace.write_text(name, dump_pipeline(pipeline))
        path = f"{workspace.root}/{name}"
        words = ["clipmill", "run", "--config", path, "--workspace", workspace.root]
        return {"path": path, "command": shlex.join(words)}


def _counts(difference: Difference) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "kept": difference.kept,
        "gained": difference.count(GAINED),
        "lost": difference.count(LOST),
        "unmeasured": difference.count(GAINED_UNMEASURED),
        "again": difference.count(KEPT_UNMEASURED),
    }
    if difference.kept_objects is not None:
        kinds = difference.objects["change"]
        for kind in (GAINED, LOST):
            counts[f"objects_{kind}"] = int(pc.sum(pc.equal(kinds, kind)).as_py() or 0)
        counts["objects_kept"] = difference.kept_objects
    return counts


def _selections(pipeline: Pipeline, asked: Evaluation) -> list[dict[str, Any]]:
    steps = {step.title: step for step in pipeline.steps_of(SelectStep)}
    return [
        selection_shape(steps[outcome.settings.title], outcome)
        for outcome in asked.steps
        if outcome.judged is not None
    ]


def _strip(difference: Difference, *changes: str) -> list[dict[str, Any]]:
    """Return the first clips that have changed in one of some ways."""
    mine = pc.is_in(difference.clips["change"], value_set=pa.array(changes))
    rows = difference.clips.filter(mine).slice(0, STRIP)
    found: list[dict[str, Any]] = rows.select(["id", "change", "step", "reason"]).to_pylist()
    return found


def _changes(before: Pipeline, after: Pipeline) -> list[tuple[str, str]]:
    return [
        (name, json.dumps(value))
        for old, new in zip(before.steps_of(SelectStep), after.steps_of(SelectStep), strict=True)
        if old != new
        for name, value in changed_fields(old, new)
    ]


def _yaml(before: Pipeline, after: Pipeline) -> str:
    pairs = zip(before.steps, after.steps, strict=True)
    return "".join(dump_step(new) for old, new in pairs if old != new)
