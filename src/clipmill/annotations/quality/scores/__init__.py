"""Learned scores of single frames, one per file: what the published pipeline measures."""
