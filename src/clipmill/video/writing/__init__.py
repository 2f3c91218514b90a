"""Writing H.264 files, with the same bytes every time."""
