"""All clips in pages: filters, counts, sort, search."""
