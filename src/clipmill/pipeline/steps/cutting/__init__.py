"""What split steps cut clips into."""
