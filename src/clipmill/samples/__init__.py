"""Training samples: a clip from an anchor on, with its kept objects, tracks and caption."""

from clipmill.samples.schema import SampleObject, SampleRow

__all__ = ["SampleObject", "SampleRow"]
