"""Point tracks."""
