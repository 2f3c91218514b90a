"""Captions without a model: the data set's own text, else a sentence from measured facts."""

from collections.abc import Sequence
from typing import Any

from clipmill.annotations.base import Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.caption.schema import AnchorCaption, CaptionRow
from clipmill.annotations.caption.sentences import describe
from clipmill.annotations.objects.schema import ObjectsRow


class TemplateCaptionConfig(BackendConfig):
    """Settings.

    Attributes:
        use_provided: Take the text that came with the data set where there is one. It was
            written for the whole video, so every anchor gets the same.
    """

    use_provided: bool = True


class TemplateCaption(Backend):
    """One caption per anchor that has objects, or one for frame 0; `origin` tells the kind.

    A template says only what was measured: how many objects move, how large and how fast they
    are and where they start. It is a stand-in for a model's caption, not a substitute.
    """

    annotation = "caption"
    name = "embedded"
    Config = TemplateCaptionConfig
    Row = CaptionRow
    reads = ("objects",)
    needs = Needs(licence="Apache-2.0")
    unit_size = 64

    def load(self, item: ClipInput) -> ClipInput:
        """Pass the clip on: no frame is needed."""
        return item

    def annotate(self, batch: Sequence[Any]) -> list[CaptionRow]:
        """Write the captions of each clip."""
        return [self._caption(item) for item in batch]

    def _caption(self, item: ClipInput) -> CaptionRow:
        objects: ObjectsRow = item.rows["objects"]
        found = {anchor.index: anchor.objects for anchor in objects.anchors if anchor.objects}
        found = found or {0: ()}
        given = (item.video.text or "").strip()
        if given and self.config.use_provided:
            texts = dict.fromkeys(found, given)
        else:
            given = ""
            assert item.probe is not None
            texts = {
                index: describe(here, width=item.probe.width, height=item.probe.height)
                for index, here in found.items()
            }
        captions = tuple(AnchorCaption(anchor, text) for anchor, text in sorted(texts.items()))
        return CaptionRow(
            captions=captions,
            origin="provided" if given else "template",
            model="",
            num_words=len(captions[0].text.split()),
        )
