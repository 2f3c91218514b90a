"""Measures without learned scores: formulas over pixels, and the area of text."""
