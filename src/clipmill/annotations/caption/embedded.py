"""Captions without a model: the text that came with the data set, and nothing else."""

from collections.abc import Sequence
from typing import Any

from clipmill.annotations.base import Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.caption.schema import AnchorCaption, CaptionRow
from clipmill.annotations.objects.schema import ObjectsRow
from clipmill.clips import text_id_for


class ProvidedCaptionConfig(BackendConfig):
    """Settings.

    Attributes:
        use_provided: Take the text that came with the data set where there is one. It was
            written for the whole video, so every anchor gets the same.
    """

    use_provided: bool = True


class ProvidedCaption(Backend):
    """The data set's own text for every anchor that has objects, or for frame 0.

    Where there is none the row says `template` and holds no text: selections still decide which
    objects a sample has, so the sentence about them is written when samples are built.
    """

    annotation = "caption"
    name = "embedded"
    version = 3
    Config = ProvidedCaptionConfig
    Row = CaptionRow
    reads = ("objects",)
    needs = Needs(licence="Apache-2.0")
    unit_size = 64

    @classmethod
    def reads_text(cls, config: ProvidedCaptionConfig) -> bool:
        """Whether it takes the text of the data set."""
        return config.use_provided

    def load(self, item: ClipInput) -> ClipInput:
        """Pass the clip on: no frame is needed."""
        return item

    def annotate(self, batch: Sequence[Any]) -> list[CaptionRow]:
        """Return the text of each clip."""
        return [self._caption(item) for item in batch]

    def _caption(self, item: ClipInput) -> CaptionRow:
        given = (item.video.text or "").strip() if self.config.use_provided else ""
        if not given:
            return CaptionRow(captions=(), origin="template", model="", num_words=0)
        objects: ObjectsRow = item.rows["objects"]
        anchors = [anchor.index for anchor in objects.anchors if anchor.objects] or [0]
        return CaptionRow(
            captions=tuple(AnchorCaption(anchor, given) for anchor in sorted(anchors)),
            origin="provided",
            model="",
            num_words=len(given.split()),
            given=text_id_for(given),
        )
