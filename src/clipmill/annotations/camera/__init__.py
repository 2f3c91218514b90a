"""Camera motion."""
