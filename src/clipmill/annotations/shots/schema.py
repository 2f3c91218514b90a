"""Evidence for shot boundaries, and what a full decode shows of a clip's pictures."""

from dataclasses import dataclass, field

from clipmill.annotations.unmeasured import UNMEASURED


@dataclass(frozen=True)
class ShotsRow:
    """A score for every frame of the clip; the split step turns it into shots.

    Finding shots decodes every frame of a clip, so what needs all frames is noted here as well;
    null where a backend does not look (`PictureChecks` does).

    Attributes:
        scores: `encode_array` float16 or float32 [T]: evidence that frame t (from the clip's
            start) is the FIRST frame of a new shot. scores[0] is 0. Higher is surer; the unit is
            the backend's. A run of frames above the threshold is one gradual transition: all but
            its last frame are frames of the transition and belong to no shot.
        threshold: The backend's own default: a frame begins a shot when its score is greater.
        num_decoded: Frames the decoder really gave; less than the clip's length when the file
            holds less than its index says. The split cuts the last shot there.
        damaged_frames: Frames of the clip that the decoder marks as damaged, and those that are
            missing from the first missing one on.
        first_damaged: The first of them, counted from the start of the VIDEO; null when there is
            none.
        letterbox: Share of the picture, 0..1, under black bars that all frames have; bars are
            measured in steps of about 2 % of a side (4 % with the networks' smaller pictures).
        repeated_frames: Share of the frames after the first, 0..1, that look like the one before
            in a small picture: frames shown twice, still pictures, slides.
    """

    scores: bytes
    threshold: float
    num_decoded: int
    damaged_frames: int | None = field(default=None, metadata=UNMEASURED)
    first_damaged: int | None = field(default=None, metadata=UNMEASURED)
    letterbox: float | None = field(default=None, metadata=UNMEASURED)
    repeated_frames: float | None = field(default=None, metadata=UNMEASURED)
