"""Settings under which x264 writes the same bytes for the same frames."""

REPEATABLE = {"mbtree": "0"}
"""Encoder options to give besides one's own.

With B-frames, x264's macroblock tree reads memory that it has not written: which bits a block
gets then depends on what the process did before, with one thread as well as with several. About
one file in forty comes out different. Without the tree, files of the same `crf` are larger and a
little better.
"""
