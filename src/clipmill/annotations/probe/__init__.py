"""Container facts and frame index."""
