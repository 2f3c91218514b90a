"""Evidence for shot boundaries."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShotsRow:
    """A score for every frame of the clip; the split step turns it into shots.

    Attributes:
        scores: `encode_array` float16 or float32 [T]: evidence that frame t (from the clip's
            start) is the FIRST frame of a new shot. scores[0] is 0. Higher is surer; the unit is
            the backend's. A run of frames above the threshold is one gradual transition: all but
            its last frame are frames of the transition and belong to no shot.
        threshold: The backend's own default: a frame begins a shot when its score is greater.
        num_decoded: Frames the decoder really gave; less than the clip's length when the file
            holds less than its index says. The split cuts the last shot there.
    """

    scores: bytes
    threshold: float
    num_decoded: int
