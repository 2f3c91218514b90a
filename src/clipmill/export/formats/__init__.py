"""Formats: which files and which index rows a sample becomes, one file per format."""
