"""Reaching the bytes of a video: files, archives, URLs; packets and a digest of the content."""
