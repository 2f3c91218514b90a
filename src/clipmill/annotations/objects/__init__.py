"""Objects at anchor frames."""
