"""Captions, one per anchor."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AnchorCaption:
    """Text for what happens from one anchor on.

    Attributes:
        anchor: Frame index from the clip's start.
        text: One paragraph.
    """

    anchor: int
    text: str


@dataclass(frozen=True)
class CaptionRow:
    """Captions of a clip.

    Attributes:
        captions: In anchor order; one per anchor of the clip's objects row (anchor 0 when it
            has none). Empty where the origin is `template`.
        origin: `provided` (came with the data set), `model`, or `template`: there is no text,
            and each sample gets one from what was measured of its own objects.
        model: Name of the model, empty otherwise.
        num_words: Words of the first caption, 0 where there is none.
        given: `text_id_for` of the data set's text that the row was made with; empty for none,
            and where the settings do not ask for it.
    """

    captions: tuple[AnchorCaption, ...]
    origin: str
    model: str
    num_words: int
    given: str = ""
