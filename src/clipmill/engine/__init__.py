"""Engines place units of clips on workers; a worker is one annotation with its model loaded."""
