"""The probe step: files in, videos out, cut into the parts that rows of a table ask for."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import text_id_for
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.identity import Identified, contents_in, identify
from clipmill.pipeline.population import ClipColumns, Flags, Ints, Population
from clipmill.pipeline.steps.annotate import Annotate, Reasons
from clipmill.pipeline.steps.base import Applied, Work
from clipmill.pipeline.steps.spans import apply_spans, has_spans
from clipmill.sources.columns import VideoRows

SAME_CONTENT: Final = "same content as"
"""How the reason of a file begins whose content an earlier file has."""


class ProbeStep(Annotate):
    """The annotation of files: once it is done, they are known as videos with frames."""

    reads: ClassVar[tuple[str, ...]] = ()

    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Probe the files; then cut videos of which rows name parts into these."""
        probed = population
        for applied in super().apply(context, population, work, fingerprint=fingerprint):
            yield applied
            probed, _ = applied
        if probed.probed and has_spans(probed):
            yield apply_spans(context, probed)

    def _finish(
        self, stage: Stage, population: Population, left: Flags
    ) -> tuple[Population, Reasons]:
        """Replace each file by the clip of all frames of the video that its content is.

        Returns:
            Population without files whose content an earlier one has; state and reason of those.
        """
        counts = stage.table.columns(["num_frames", "content"])
        found = identify(population.videos, population.file_ids, contents_in(counts))
        rows = population.clips.video
        copy = found.first[rows] >= 0
        alive = population.clips.take(left & ~copy)
        probed = pc.index_in(
            population.file_ids.take(pa.array(alive.video)),
            value_set=counts["key"].combine_chunks(),
        )
        frames = counts["num_frames"].combine_chunks().take(probed).to_numpy()
        clips = ClipColumns(alive.video, alive.start, frames.astype(np.int32))
        after = replace(population, videos=found.videos, clips=clips, probed=True)
        return after, _copies(population, found, np.flatnonzero(left & copy))


def _copies(population: Population, found: Identified, members: Ints) -> Reasons:
    """Return why copies of other files do not go on.

    Args:
        population: The files.
        found: Which are copies of which.
        members: Rows of the copies in the population.
    """
    copies = population.clips.video[members]
    firsts = found.first[copies]
    pairs = zip(
        *(_texts(population.videos, copies), _texts(found.videos, firsts)),
        found.videos.table["relative_path"].take(pa.array(firsts)).to_pylist(),
        strict=True,
    )
    rules = [_same_content(own, other, path) for own, other, path in pairs]
    return Reasons(
        pa.array(members, pa.int32()),
        pa.repeat("dropped", len(rules)),
        pa.array(rules, pa.string()),
    )


def _texts(videos: VideoRows, rows: npt.NDArray[Any]) -> list[str | None]:
    texts: list[str | None] = videos.table["text"].take(pa.array(rows)).to_pylist()
    return texts


def _same_content(own: str | None, other: str | None, path: str) -> str:
    lost = own and text_id_for(own) != text_id_for(other)
    return f"{SAME_CONTENT} {path}" + ("; its own caption, another one, is not used" * bool(lost))
