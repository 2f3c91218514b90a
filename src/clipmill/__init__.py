"""clipmill: raw video collections in, training-ready clips out."""

__version__ = "0.1.0"
