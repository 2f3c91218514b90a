"""Independently moving regions, from dense flow less the camera's own motion."""
