"""Template captions: plain sentences composed of what was measured of a sample."""

from clipmill.samples.captions.compose import template_caption

__all__ = ["template_caption"]
