"""Probing with PyAV: packets only, one frame decoded, more only where packets lie."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.video import probe_video
from clipmill.video.access.source import MAX_PIXELS


class ProbeConfig(BackendConfig):
    """Settings of the probe."""

    max_pixels: int = Field(
        MAX_PIXELS, ge=1, description="frames with more pixels are refused before decoding"
    )


class EmbeddedProbe(Backend):
    """Container facts and the frame index of a whole file."""

    annotation: ClassVar[str] = "probe"
    name: ClassVar[str] = "embedded"
    version: ClassVar[int] = 2
    level: ClassVar[str] = "video"
    unit_size: ClassVar[int] = 64
    Config: ClassVar[type[BackendConfig]] = ProbeConfig
    Row: ClassVar[type] = ProbeRow

    def load(self, item: ClipInput) -> ProbeRow:
        """Index the file.

        Raises:
            VideoError: The file is missing, changed or not a video.
        """
        found = probe_video(
            item.video.uri,
            expected_size_bytes=item.video.size_bytes,
            expected_stamp=item.video.stamp,
            max_pixels=self.config.max_pixels,
            on_frame=item.check,
        )
        info, index, picture = found.info, found.index, found.info.picture
        fps = index.fps
        return ProbeRow(
            width=info.width,
            height=info.height,
            rotation=info.rotation,
            aspect_ratio=info.width / info.height,
            fps=fps,
            num_frames=index.num_frames,
            duration=index.num_frames / fps if fps else 0.0,
            codec=info.codec,
            pixel_format=info.pixel_format,
            container=info.container,
            num_video_streams=info.num_video_streams,
            has_audio=info.has_audio,
            variable_rate=index.variable_rate,
            index_exact=index.exact,
            index_note=index.note,
            index=index.to_bytes(),
            stream_index=picture.stream_index,
            transfer=picture.transfer,
            primaries=picture.primaries,
            matrix=picture.matrix,
            color_range=picture.color_range,
            bit_depth=picture.bit_depth,
            field_order=picture.field_order,
            interlaced=picture.interlaced,
            sample_aspect=float(picture.sample_aspect),
            convertible=picture.convertible,
            altered=picture.altered,
            # Identity of the file.
            content=found.content,
            size_bytes=item.video.size_bytes,
            stamp=item.video.stamp,
        )

    def annotate(self, batch: Sequence[ProbeRow]) -> Sequence[ProbeRow]:
        """Hand the rows on: all the work is reading the file."""
        return batch
