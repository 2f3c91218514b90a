"""Blind double-checking: a sample of kept and dropped clips, judged without the verdict.

What comes of it is how good a data set is: the share of the kept clips that are good (precision),
and the share of the good clips that were kept (yield), with confidence intervals.
"""
