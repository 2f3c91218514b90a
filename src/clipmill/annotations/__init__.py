"""Annotations: clip in, one typed row out. One folder each: `schema.py` + a file per backend."""
