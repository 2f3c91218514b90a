"""Layouts of known data sets: which of their tables are read, and where their videos are."""
