"""Thumbnails of clips, made when they are first looked at, and kept."""
