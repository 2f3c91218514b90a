"""What a workspace records of its last run, to look at it without sources and models."""
