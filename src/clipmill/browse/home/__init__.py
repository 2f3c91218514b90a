"""The first page: what the run came to, and where to go from there."""
