"""Blind double-checking: clips one after the other, and what the judges' answers come to."""
