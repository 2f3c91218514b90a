"""Kinds of tables, texts and archives, read row by row."""
