"""The probe step: files in, videos out, cut into the parts that rows of a table ask for."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from clipmill.clips import Clip, Video, text_id_for
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.identity import contents_in, identify
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.annotate import Annotate, Reasons
from clipmill.pipeline.steps.base import Applied, Work
from clipmill.pipeline.steps.spans import apply_spans, has_spans


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

    def _finish(self, stage: Stage, population: Population) -> tuple[Population, Reasons]:
        """Replace each file by the clip of all frames of the video that its content is.

        Returns:
            Population without files whose content an earlier one has; state and reason of those.
        """
        counts = stage.table.columns(["num_frames", "content"])
        frames = dict(zip(counts["key"].to_pylist(), counts["num_frames"].to_pylist(), strict=True))
        alive = {clip.video_id for clip in population.clips}
        found = identify(population.videos, contents_in(counts))
        named = dict(zip(population.videos, found.videos, strict=True))
        files = {
            video.video_id: key
            for key, video in named.items()
            if key in alive and key not in found.copies
        }
        clips = tuple(Clip(video_id, 0, frames[key]) for video_id, key in files.items())
        copies = {
            key: ("dropped", _same_content(population.videos[key], found.copies[key]))
            for key in found.copies
            if key in alive
        }
        videos = {video.video_id: video for video in found.videos}
        return replace(population, videos=videos, files=files, clips=clips, probed=True), copies


def _same_content(copy: Video, first: Video) -> str:
    other = copy.text and text_id_for(copy.text) != text_id_for(first.text)
    return f"same content as {first.relative_path}" + (
        "; its own caption, another one, is not used" if other else ""
    )
