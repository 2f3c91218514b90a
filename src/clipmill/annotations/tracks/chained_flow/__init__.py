"""Tracks of things that bend: every point goes its own way along dense flow inside a mask."""
