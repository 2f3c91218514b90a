"""Tasks of an export: the rows of its samples with everything known of their clips."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from clipmill.annotations.probe.schema import ProbeRow
from clipmill.clips import Video
from clipmill.export.content.compose import SampleInputs
from clipmill.export.content.facts.run_facts import RunFacts
from clipmill.export.job.worker import Task
from clipmill.pipeline.context import Context
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import read_samples
from clipmill.store.records import to_dict
from clipmill.store.workspace import Workspace
from clipmill.video import FrameIndex
from clipmill.video.pixels.colours import colours_line

_CHUNK = 64


class Gatherer:
    """Reads samples in order, a few at a time, and joins their annotations by id.

    Args:
        workspace: Where they are.
        facts: Scores, videos and judgements by id.
        settings: Everything else that files depend on; part of each token.
    """

    def __init__(self, workspace: Workspace, facts: RunFacts, *, settings: dict[str, Any]) -> None:
        self._workspace, self._facts = workspace, facts
        self._settings = json.dumps(settings, sort_keys=True, default=str)
        self._context: Context | None = None if facts.run is None else facts.run[0]

    def tasks(self, samples: str, wanted: Sequence[str], *, scratch: Path) -> Iterator[Task]:
        """Yield a task per wanted sample, in order.

        Args:
            samples: Name of the sample set.
            wanted: Their ids.
            scratch: Folder in which every task gets one of its own.
        """
        chosen = frozenset(wanted)
        rows = (
            replace(row, review=self._facts.review_of(row.clip_id))
            for row in read_samples(self._workspace, samples)
            if row.sample_id in chosen
        )
        while chunk := list(islice(rows, _CHUNK)):
            yield from self._join(chunk, scratch)

    def _join(self, rows: list[SampleRow], scratch: Path) -> Iterator[Task]:
        clips = sorted({row.clip_id for row in rows})
        listed = {row.video_id: self._facts.videos.get(row.video_id) for row in rows}
        files = {video_id: video.file_id for video_id, video in listed.items() if video}
        probes = self._read("probe", sorted(files.values()))
        cameras, inouts = self._read("camera", clips), self._read("inout", clips)
        for row in rows:
            facts = self._facts_of(
                row,
                probes.get(files.get(row.video_id, "")),
                cameras.get(row.clip_id),
                inouts.get(row.clip_id),
            )
            yield Task(row, facts, self._token(row, facts), scratch / row.sample_id)

    def _read(self, name: str, keys: list[str]) -> dict[str, Any]:
        if self._context is None or name not in self._context.stages:
            return {}
        return self._context.stages[name].table.read(keys)

    def _facts_of(self, row: SampleRow, probe: Any, camera: Any, inout: Any) -> SampleInputs:
        video: Video | None = self._facts.videos.get(row.video_id)
        provided = row.caption if row.caption_origin == "provided" else ""
        names = self._facts.score_names
        scores = self._facts.scores.get(row.clip_id, (None,) * len(names))
        return SampleInputs(
            index=FrameIndex.from_bytes(probe.index) if probe else None,
            colours=_colours(probe) if probe else "",
            size_bytes=video.size_bytes if video else None,
            video_id=video.video_id if video else "",
            stamp=video.stamp if video else "",
            camera=camera,
            inout=inout,
            text=self._facts.text_of(row.clip_id) or provided,
            scores={
                name: value for name, value in zip(names, scores, strict=True) if value is not None
            },
        )

    def _token(self, row: SampleRow, facts: SampleInputs) -> str:
        digest = hashlib.blake2b(self._settings.encode(), digest_size=16)
        told = to_dict(row)
        if row.review is None:
            del told["review"]  # as in exports before there were reviews: their files are equal
        digest.update(repr(told).encode())
        for part in (facts.camera, facts.inout):
            digest.update(repr(None if part is None else to_dict(part)).encode())
        digest.update(b"" if facts.index is None else facts.index.to_bytes())
        digest.update(repr((facts.size_bytes, facts.text, sorted(facts.scores.items()))).encode())
        return digest.hexdigest()


def _colours(probe: ProbeRow) -> str:
    return colours_line(probe.transfer, probe.primaries, probe.matrix, probe.color_range)
