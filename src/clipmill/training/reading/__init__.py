"""Samples as they are stored, in a workspace or in an export; one by one, by number."""
