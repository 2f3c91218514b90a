"""Selections: by rules, by what people said, and of near-duplicates."""
