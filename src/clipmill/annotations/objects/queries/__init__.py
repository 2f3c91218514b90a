"""Where a clip is asked about: anchor frames, and query points in masks."""
