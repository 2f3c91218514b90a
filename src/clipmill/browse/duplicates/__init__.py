"""Near-duplicates: the clips of each group side by side."""
